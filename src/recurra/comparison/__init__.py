"""Which network, on these data: candidates, equal budget, trials, and what may be said of them."""
