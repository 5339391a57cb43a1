"""Runs that say something at every step of a sequence: a class, labels, or a number."""
