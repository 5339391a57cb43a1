"""A language network, by character, that says how likely the texts are that a search follows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from recurra.data.corpus import TokenCodec
from recurra.data.transcripts.alphabet import BLANK, Alphabet
from recurra.errors import InputError
from recurra.networks.language import LanguageNetwork
from recurra.tasks.transcription.decoding import Fusion


@dataclass
class _Read:
    """What was read: computed when it is first needed, for most of what a search tries is dropped at once.

    Args:
        before: what was read before `ids`; None once it is computed.
        ids: read last.
        first: whether no token of a text was read.
        log_p: (n, V) after each of `ids`, once it is computed.
        state: of the network, likewise.
    """

    before: _Read | None
    ids: list[int]
    first: bool = False
    log_p: np.ndarray | None = None
    state: Any = None


class CharacterLanguage:
    """Scores texts token by token with a network of `recurra.tasks.generation`, a text being a line.

        log p(token | text) = sum over its characters of log p(character | all before, from the beginning of a line)

    A word that is not the first has a blank space before it.

    Args:
        network: that carries its state.
        codec: by character.
        alphabet: the tokens of the texts.

    Raises:
        InputError: it is not by character, has no end of a line, or carries no state.
    """

    def __init__(self, network: LanguageNetwork, codec: TokenCodec, alphabet: Alphabet):
        if codec.level != "character":
            raise InputError(
                f"expected a run that writes by character, found one by {codec.level}",
                where="--lm",
                fix="Train it with --task generate --set corpus.level=character.",
            )
        if not network.config.carries_state:
            raise InputError(
                f"a {network.config.cell_name} carries no state from character to character",
                where="--lm",
                fix="Take another cell.",
            )
        if codec.line_end_id is None:
            raise InputError(
                "the run does not know where a line ends",
                where="--lm",
                fix="Train it on a text with one sentence a line.",
            )
        self._network = network.eval()
        self._end = int(codec.line_end_id)
        self._spelled = [
            [int(each) for each in codec.encode(token)] if token else [] for token in ("", *alphabet.tokens)
        ]
        self._space = [int(each) for each in codec.encode(" ")] if alphabet.level == "word" else []
        self.unknown = [
            token
            for token, ids in zip(alphabet.tokens, self._spelled[1:], strict=True)
            if codec.unknown_id in ids
        ]

    def begin(self) -> _Read:
        """At the beginning of a line."""
        return _Read(None, [self._end], first=True)

    def read(self, state: _Read, token: int) -> tuple[float, _Read]:
        """See `LanguageScorer`."""
        ids = self._spelled[token] if state.first else self._space + self._spelled[token]
        log_p, _ = self._known(state)
        said, after = float(log_p[-1, ids[0]]), _Read(state, ids)
        if len(ids) > 1:
            within, _ = self._known(after)
            said += float(sum(within[k, each] for k, each in enumerate(ids[1:])))
        return said, after

    def end(self, state: _Read) -> float:
        """See `LanguageScorer`."""
        return float(self._known(state)[0][-1, self._end])

    @torch.no_grad()
    def _known(self, read: _Read) -> tuple[np.ndarray, Any]:
        if read.log_p is None:
            before = None if read.before is None else self._known(read.before)[1]
            device = next(self._network.parameters()).device
            output = self._network(torch.tensor([read.ids], device=device), state=before)
            read.log_p = np.asarray(output.logits[0].float().log_softmax(1).cpu())
            read.state, read.before = output.state, None
        return read.log_p, read.state


def fusion_of(scorer: CharacterLanguage, alphabet: Alphabet, weight: float, word_bonus: float) -> Fusion:
    """The scorer beside a network that writes in `alphabet`."""
    spaces = {number for number, token in enumerate(alphabet.tokens, 1) if token == " "}

    def begins_word(before: int, token: int) -> bool:
        return alphabet.level == "word" or (token not in spaces and (before == BLANK or before in spaces))

    return Fusion(scorer, weight, word_bonus, begins_word)
