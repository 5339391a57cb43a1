"""What to change: options of the command for a run, arguments of layers for a network of one's own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_ROWS = ("batches.max_batch", "windows.rows", "windows.batch_size")


class Advice:
    """Remedies in words; only options that the run has are named.

    Args:
        settings: of the run by their dotted names; empty for a network of one's own.

    >>> Advice({"training.learning_rate": 0.5}).rate(0.1), Advice({}).rate(0.1)
    ('--set training.learning_rate=0.05', '0.1 times the learning rate')
    """

    def __init__(self, settings: Mapping[str, Any]):
        self._settings = settings

    @property
    def clip(self) -> float | None:
        """The norm that gradients are clipped to."""
        return self._settings.get("training.clip_norm")

    def rate(self, factor: float) -> str:
        """So many times the learning rate."""
        rate = self._settings.get("training.learning_rate")
        if rate is None:
            return f"{factor:g} times the learning rate"
        return f"--set training.learning_rate={factor * rate:.3g}"

    def steadier_recurrence(self) -> str:
        """Against gradients that grow."""
        if self.clip is None:
            return (
                'Begin with recurrent_init="orthogonal" in the layer, clip gradients '
                "(torch.nn.utils.clip_grad_norm_), and take a tenth of the learning rate."
            )
        return f"Train again with {self.rate(0.1)} and --set training.clip_norm={self.clip / 4:g}."

    def longer_memory(self) -> str:
        """Against gradients that vanish."""
        cell = self._settings.get("network.cell")
        if cell is None:
            return (
                "Take recurra.LSTM with forget_bias=1.0 (or chrono_init, the number of steps), or GRU; "
                'a RNN begins better with recurrent_init="orthogonal".'
            )
        ways = ["--cell lstm" if cell == "gru" else "--cell gru"]
        pooling = self._settings.get("network.pooling")
        if pooling is not None and "mean" not in pooling:
            ways.append("--set network.pooling=mean,max")
        segment = self._settings.get("network.segment")
        if (
            segment is not None
            and self._settings.get("windows.rows") is None
            and "text.level" not in self._settings
        ):
            ways.append(f"--set network.segment={2 * segment}")
        return f"Train again with {', or with '.join(ways)}."

    def open_gate(self, *, forget: bool) -> str:
        """Against a gate that keeps nothing, a forget gate or an update gate."""
        if not self._settings:
            begin = "forget_bias=1.0" if forget else "chrono_init (the number of steps)"
            return f"Begin with {begin} in the layer."
        return f"Train again with {self.rate(0.1)}, or with --cell {'gru' if forget else 'lstm'}."

    def units(self) -> str:
        """Against units that do nothing."""
        size = self._settings.get("network.hidden_size")
        if size is None:
            return (
                "Take a tenth of the learning rate, and standardise the inputs; "
                'ReLU layers begin better with recurrent_init="orthogonal".'
            )
        return f"Train again with {self.rate(0.1)}, or with --set network.hidden_size={max(1, size // 2)}."

    def smaller(self) -> str:
        """A smaller network, in brackets; nothing where there is no such option."""
        size = self._settings.get("network.hidden_size")
        return "" if size is None else f" (--set network.hidden_size={max(1, size // 2)})"

    def more_dropout(self) -> str:
        """Against overfitting."""
        rate = self._settings.get("network.dropout")
        if rate is None:
            return "more dropout"
        return f"--set network.dropout={min(0.7, rate + 0.2):g}"

    def longer(self) -> str:
        """More epochs, in brackets."""
        epochs = self._settings.get("training.epochs")
        return "" if epochs is None else f" (--set training.epochs={2 * epochs})"

    def larger_batches(self) -> str:
        """Batches twice as large."""
        for name in _ROWS:
            if name in self._settings:
                return f"--set {name}={2 * self._settings[name]}"
        return "batches twice as large"
