"""Sentences of words with a tag for each: read from the formats of the field, and written in them again."""
