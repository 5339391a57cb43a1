"""Runs that tag the words of sentences."""
