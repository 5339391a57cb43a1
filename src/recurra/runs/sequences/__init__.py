"""Runs that say one thing of each sequence: a class, labels, or a number."""
