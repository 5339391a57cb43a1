"""Going on with a text: choosing tokens, scoring how well text is foretold, and what to compare with."""

from __future__ import annotations

from recurra.tasks.generation.baselines import run_language_baselines
from recurra.tasks.generation.decoding import generate, generate_text
from recurra.tasks.generation.metrics import compare_streams, headline_of, language_scores
from recurra.tasks.generation.ngrams import NgramModel
from recurra.tasks.generation.sampling import choose, probabilities

__all__ = [
    "NgramModel",
    "choose",
    "compare_streams",
    "generate",
    "generate_text",
    "headline_of",
    "language_scores",
    "probabilities",
    "run_language_baselines",
]
