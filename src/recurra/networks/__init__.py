"""Encoders, pooling and heads put together."""
