"""A target at every step of a sequence: a class, several labels, or a number."""
