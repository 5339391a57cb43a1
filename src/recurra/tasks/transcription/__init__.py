"""A sequence in, the text that belongs to it out: speech, handwriting."""
