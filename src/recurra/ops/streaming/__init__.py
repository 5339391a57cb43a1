"""A network fed step by step: its stages, the smaller number types of its weights, and the stream itself."""
