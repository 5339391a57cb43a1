"""Where and how precisely a network runs: by name once a run is written down."""

from __future__ import annotations

import pytest
import torch

from recurra.errors import InputError
from recurra.training.config import TrainingConfig
from recurra.training.device import settle


def test_nothing_is_left_to_the_machine_and_the_rest_as_it_was():
    settled = settle(TrainingConfig(epochs=7))
    assert settled.device in ("cpu", "cuda")
    assert settled.precision in ("float32", "bfloat16")
    assert settled.threads == torch.get_num_threads()
    machine = {"device": "auto", "precision": "auto", "threads": None}
    assert settled.model_copy(update=machine) == TrainingConfig(epochs=7)
    assert settle(settled) == settled


def test_what_was_asked_for_stays():
    asked = TrainingConfig(device="cpu", precision="bfloat16", threads=3)
    assert settle(asked) == asked


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_that_is_not_there_is_refused():
    with pytest.raises(InputError, match="torch finds none"):
        settle(TrainingConfig(device="cuda"))
