"""A tag for every word of a sentence: loss, decision, scores, and what stands beside them."""
