"""Images, or vectors of features, with captions: from files to examples and batches."""

from __future__ import annotations

from recurra.data.captions.batches import CaptionBatches
from recurra.data.captions.definition import CaptionOptions, CaptionSchema
from recurra.data.captions.reading import ReadCaptions, read_captions, read_inputs

__all__ = [
    "CaptionBatches",
    "CaptionOptions",
    "CaptionSchema",
    "ReadCaptions",
    "read_captions",
    "read_inputs",
]
