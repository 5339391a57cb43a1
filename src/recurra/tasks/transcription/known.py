"""Which of some texts that are known beforehand is likeliest, as spoken commands are: one of a list, nothing else."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from recurra.data.transcripts.alphabet import BLANK
from recurra.errors import InputError


class KnownTexts:
    """The likeliest of N texts, fed step by step as `BeamSearch` is.

    With blanks around each of its S tokens a text has L = 2 S + 1 states. The log of the probability of all paths that
    say it up to state s (the forward variable of Graves et al. 2006, doi:10.1145/1143844.1143891):

        alpha(s, t) = log p(l_s | t) + log(exp alpha(s, t - 1) + exp alpha(s - 1, t - 1) [+ exp alpha(s - 2, t - 1)])

    the last where l_s is a token, and not that of s - 2. The paths that end in one of the last two states say the text.
    A step costs N L operations, however many came before.

    Args:
        texts: numbers of tokens of each, of one token or more.

    Raises:
        InputError: no text, or an empty one.

    >>> known = KnownTexts([[1, 2], [2]])
    >>> known.advance(np.log([[0.1, 0.7, 0.2], [0.2, 0.3, 0.5]]))  # [1, 2] has 0.35; [2] 0.05 + 0.04 + 0.1
    >>> known.best(), np.exp(known.log_p()).round(2).tolist()
    ([1, 2], [0.35, 0.19])
    """

    def __init__(self, texts: Sequence[Sequence[int] | np.ndarray]):
        self.texts = [[int(token) for token in text] for text in texts]
        if not self.texts or not all(self.texts):
            raise InputError("expected texts of one token or more", where="texts")
        count, longest = len(self.texts), max(map(len, self.texts))
        self._labels = np.full((count, 2 * longest + 1), BLANK)
        for n, text in enumerate(self.texts):
            self._labels[n, 1 : 2 * len(text) : 2] = text
        skips = (self._labels[:, 2:] != BLANK) & (self._labels[:, 2:] != self._labels[:, :-2])
        self._barred = np.where(skips, 0.0, -np.inf)
        self._ends = np.array([2 * len(text) for text in self.texts])
        self._alpha = np.full(self._labels.shape, -np.inf)
        self._nothing, self._steps = 0.0, 0  # log of the probability that all steps are blank

    def advance(self, log_p: np.ndarray) -> None:
        """Go on by steps: (n, V + 1) log probabilities, blank first."""
        for step in np.asarray(log_p, dtype=np.float64):
            arrived = self._alpha.copy()
            if not self._steps:  # a path begins in the first blank, or in the first token
                arrived[:, :2] = 0.0
            arrived[:, 1:] = np.logaddexp(arrived[:, 1:], self._alpha[:, :-1])
            arrived[:, 2:] = np.logaddexp(arrived[:, 2:], self._alpha[:, :-2] + self._barred)
            self._alpha = arrived + step[self._labels]
            self._nothing += step[BLANK]
            self._steps += 1

    def log_p(self) -> np.ndarray:
        """(N,) the log of the probability of each text, if nothing comes."""
        every = np.arange(len(self.texts))
        return np.logaddexp(self._alpha[every, self._ends], self._alpha[every, self._ends - 1])

    def best(self, *, ended: bool = True) -> list[int]:
        """The tokens of the likeliest text; none as long as there were too few steps for any.

        Args:
            ended: no step will come; until then there is none while it is likelier that nothing was said.
        """
        log_p = self.log_p()
        n = int(log_p.argmax())
        if log_p[n] == -np.inf or (not ended and self._nothing >= log_p[n]):
            return []
        return list(self.texts[n])
