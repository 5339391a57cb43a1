"""Pairs of texts: the loss, the search for an answer, scores and baselines."""
