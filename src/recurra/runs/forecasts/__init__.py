"""Runs that say how series go on."""
