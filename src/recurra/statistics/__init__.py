"""Intervals and tests behind every score that is shown."""
