"""What Keras computes, in plain NumPy and 64 bits, step by step: nothing of this project is used."""

from __future__ import annotations

from typing import Any

import numpy as np


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def softmax(x: np.ndarray) -> np.ndarray:
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def _step(class_name: str, x, state, weights, reset_after: bool, activation: str):
    kernel, recurrent, *bias = (w.astype(np.float64) for w in weights)
    (h, *rest), units = state, recurrent.shape[0]
    b = bias[0] if bias else np.zeros(kernel.shape[1])
    if class_name == "SimpleRNN":
        a = x @ kernel + h @ recurrent + b
        return [np.maximum(a, 0) if activation == "relu" else np.tanh(a)]
    if class_name == "LSTM":
        i, f, c, o = np.split(x @ kernel + h @ recurrent + b, 4, -1)
        cell = sigmoid(f) * rest[0] + sigmoid(i) * np.tanh(c)
        return [sigmoid(o) * np.tanh(cell), cell]
    b_in, b_state = b if b.ndim == 2 else (b, np.zeros_like(b))
    x_z, x_r, x_h = np.split(x @ kernel + b_in, 3, -1)
    of_z, of_r, of_h = (slice(k * units, (k + 1) * units) for k in range(3))
    z = sigmoid(x_z + h @ recurrent[:, of_z] + b_state[of_z])
    r = sigmoid(x_r + h @ recurrent[:, of_r] + b_state[of_r])
    if reset_after:
        candidate = np.tanh(x_h + r * (h @ recurrent[:, of_h] + b_state[of_h]))
    else:
        candidate = np.tanh(x_h + (r * h) @ recurrent[:, of_h])
    return [z * h + (1 - z) * candidate]


def run(class_name: str, x: np.ndarray, weights: list, mask: np.ndarray | None = None, **options: Any):
    """One layer: x (B, T, I) -> (B, T, H) in the order in which it was computed, or (B, H).

    A step that is masked leaves the state; its output is the one before, or 0 with zero_output_for_mask.
    """
    batch, steps = x.shape[:2]
    mask = np.ones((batch, steps), bool) if mask is None else mask
    if options.get("go_backwards"):
        x, mask = x[:, ::-1], mask[:, ::-1]
    state = [np.zeros((batch, weights[1].shape[0])) for _ in range(2 if class_name == "LSTM" else 1)]
    outputs = []
    for t in range(steps):
        after = _step(
            class_name,
            x[:, t].astype(np.float64),
            state,
            weights,
            options.get("reset_after", True),
            options.get("activation", "tanh"),
        )
        kept = mask[:, t, None]
        state = [np.where(kept, new, old) for new, old in zip(after, state, strict=True)]
        zero = options.get("zero_output_for_mask") and not kept.all()
        outputs.append(np.where(kept, state[0], 0) if zero else state[0])
    return np.stack(outputs, 1) if options.get("return_sequences") else outputs[-1]


def bidirectional(class_name: str, x, one: list, other: list, mask, merge: str, **options: Any):
    options = options | {"zero_output_for_mask": options.get("return_sequences", False)}
    y = run(class_name, x, one, mask, **options)
    back = run(class_name, x, other, mask, go_backwards=True, **options)
    if options.get("return_sequences"):
        back = back[:, ::-1]
    together = {"sum": y + back, "mul": y * back, "ave": (y + back) / 2} if y.shape == back.shape else {}
    return np.concatenate([y, back], -1) if merge == "concat" else together[merge]
