"""Runs that write text."""
