"""What a network does with its gradients, gates and memory: measures, what follows from them, pictures."""

from __future__ import annotations

from recurra.diagnosis.examination import diagnose, examine
from recurra.diagnosis.result import Diagnosis, Finding, Measures
from recurra.diagnosis.subject import Subject

__all__ = ["Diagnosis", "Finding", "Measures", "Subject", "diagnose", "examine"]
