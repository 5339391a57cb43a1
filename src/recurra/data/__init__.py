"""Files to typed examples to batches."""
