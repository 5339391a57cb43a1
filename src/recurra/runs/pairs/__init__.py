"""Runs that read a text and write another."""
