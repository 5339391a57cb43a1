"""Sequences with a text each: recordings of speech, pen strokes, anything numeric that can be written down."""
