"""Tables to examples: what the columns mean, worked out and told."""

from __future__ import annotations

from recurra.data.schema.arrays import examples_from_arrays
from recurra.data.schema.definition import Schema, SchemaOptions
from recurra.data.schema.description import describe, duplicates, duplicates_across
from recurra.data.schema.extraction import to_examples
from recurra.data.schema.inference import infer_schema
from recurra.data.schema.unusable import Unusable

__all__ = [
    "Schema",
    "SchemaOptions",
    "Unusable",
    "describe",
    "duplicates",
    "duplicates_across",
    "examples_from_arrays",
    "infer_schema",
    "to_examples",
]
