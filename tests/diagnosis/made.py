"""Small networks and subjects for tests of the diagnosis, and sequences with one of two tones in them."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

import recurra
from recurra.diagnosis import Subject

QUIET = {
    "network.hidden_size": 16,
    "network.num_layers": 1,
    "network.convolutions": [],
    "network.segment": 1,
    "network.bidirectional": False,
    "network.pooling": ["last"],
    "training.device": "cpu",
    "training.precision": "float32",
    "training.threads": 1,
}


class Last(nn.Module):
    """A layer, and a head on what it gives at the last valid step."""

    def __init__(self, layer, outputs=1):
        super().__init__()
        self.recurrent = layer
        self.head = nn.Linear(layer.hidden_size * layer.directions, outputs)

    def forward(self, x, lengths=None):
        output, _ = self.recurrent(x, lengths=lengths)
        if lengths is None:
            return self.head(output[:, -1])
        return self.head(output[torch.arange(len(x)), lengths - 1])


def layer_of(cell, size=16, inputs=4, seed=0, **options):
    torch.manual_seed(seed)
    return getattr(recurra, cell)(inputs, size, batch_first=True, **options)


def subject_of_layer(layer, steps=30, examples=16, seed=0, **known):
    """Random inputs and targets for `layer` with a head."""
    torch.manual_seed(seed)
    network = Last(layer)
    x = torch.randn(examples, steps, layer.input_size)
    y = torch.randn(examples, 1)
    return Subject(
        network=network,
        inputs=(x,),
        loss=lambda output: ((output - y) ** 2).mean(),
        answer=lambda output: output,
        **known,
    )


def tones(n=600, steps=24, seed=0, shuffled=False):
    """(X, y): noise with one of two tones in it; `shuffled` takes every tone from its name."""
    draw = np.random.default_rng(seed)
    classes = draw.integers(0, 2, n)
    sequences = []
    for k in range(n):
        length = draw.integers(steps * 3 // 4, steps + 1)
        sequence = draw.normal(size=(length, 2))
        sequence[:, 0] += 0.7 * (2 * classes[k] - 1) * np.sin(np.arange(length) / 3)
        sequences.append(sequence.astype(np.float32))
    if shuffled:
        classes = draw.permutation(classes)
    return sequences, np.array(["low", "high"], dtype=object)[classes]


def trained(cell, seed=0, shuffled=False, epochs=15, **settings):
    """(run, (X, y)) of a small network on tones."""
    X, y = tones(seed=seed, shuffled=shuffled)
    chosen = QUIET | {"training.epochs": epochs, "training.patience": epochs} | settings
    return recurra.SequenceClassifier(cell=cell, random_state=seed, settings=chosen).fit(X, y).run_, (X, y)


def graver(diagnosis):
    """Names of what was found, but for notes."""
    return {finding.name for finding in diagnosis.findings if finding.severity != "note"}
