"""On a GPU: float32 means float32, and a training there gives a run that is used anywhere."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from recurra.runs.loading import load
from recurra.runs.sequences.config import SequenceFitOptions
from recurra.runs.sequences.fit import fit
from recurra.training.device import exact_float32
from tests.runs.conftest import examples_of, sentences

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="torch finds no GPU")
NEAR, BFLOAT16 = 1e-5, 0.05  # of probabilities


def trained(tmp_path, cell: str, precision: str, **more):
    examples, schema = examples_of(sentences(200), text="text", target="label")
    settings = {
        "network.cell": cell,
        "training.device": "cuda",
        "training.precision": precision,
        "training.epochs": 6,
        "training.learning_rate": 0.01,
    }
    options = SequenceFitOptions(settings=settings, baselines=False)
    return fit(examples, schema, options, out=tmp_path / f"{cell} {precision}", **more)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru", "mingru", "minlstm", "tcn", "transformer"])
def test_what_is_learned_on_a_gpu_is_told_on_a_cpu(cell, precision, tmp_path, monkeypatch):
    run = trained(tmp_path, cell, precision)
    assert next(run.network.parameters()).is_cuda
    assert {score["name"]: score["value"] for score in run.metrics["test"]["scores"]}["accuracy"] > 0.9
    texts = [row["text"] for row in sentences(50, seed=5)]
    there = run.predict_proba(texts)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    here = load(tmp_path / f"{cell} {precision}")
    assert not next(here.network.parameters()).is_cuda
    assert np.abs(here.predict_proba(texts) - there).max() < (NEAR if precision == "float32" else BFLOAT16)


@pytest.fixture
def kinds():
    """What torch is told of float32, as it is by default, and then as it was."""
    kinds = torch.backends.cudnn.rnn, torch.backends.cudnn.conv
    before = [kind.fp32_precision for kind in kinds]
    for kind in kinds:
        kind.fp32_precision = "tf32"
    yield kinds
    for kind, precision in zip(kinds, before, strict=True):
        kind.fp32_precision = precision


def test_what_torch_was_told_of_float32_holds_again_after_training(kinds, tmp_path):
    with exact_float32(torch.device("cuda")):
        assert [kind.fp32_precision for kind in kinds] == ["ieee", "ieee"]
    trained(tmp_path, "lstm", "float32")
    assert [kind.fp32_precision for kind in kinds] == ["tf32", "tf32"]
