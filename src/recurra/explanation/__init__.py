"""Why a network says what it says of one input: what it says while it reads, what mattered, what its gates did."""

from __future__ import annotations

from recurra.explanation.explain import explain, run_to_explain
from recurra.explanation.result import Explanation

__all__ = ["Explanation", "explain", "run_to_explain"]
