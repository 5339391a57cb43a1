"""From a distribution at every step to a text: the likeliest path, or the likeliest text among those followed."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from recurra.data.transcripts.alphabet import BLANK
from recurra.tasks.transcription.known import KnownTexts

_NEVER = -math.inf
_SETTLED_AFTER = 256  # steps


def greedy(path: np.ndarray) -> list[int]:
    """The tokens of a path: repetitions are one, blanks are none.

    >>> greedy(np.array([0, 3, 3, 0, 3, 1, 1]))
    [3, 3, 1]
    """
    path = np.asarray(path)
    changed = np.ones(len(path), dtype=bool)
    changed[1:] = path[1:] != path[:-1]
    return path[changed & (path != BLANK)].tolist()


class LanguageScorer(Protocol):
    """What says how likely a text is, token by token."""

    def begin(self) -> Any:
        """The state before the first token."""
        ...

    def read(self, state: Any, token: int) -> tuple[float, Any]:
        """The log probability of a token after what was read, and the state after it."""
        ...

    def end(self, state: Any) -> float:
        """The log probability that nothing comes after what was read."""
        ...


@dataclass(frozen=True)
class Fusion:
    """A language model beside the network.

    Args:
        scorer: it.
        weight: alpha, of its log probabilities.
        word_bonus: beta, what each word of a text is worth: without it short texts win.
        begins_word: whether a token, with the one before it (blank at the beginning), begins a word.
    """

    scorer: LanguageScorer
    weight: float
    word_bonus: float
    begins_word: Callable[[int, int], bool]


@dataclass
class _Text:
    """A text that is followed, a node of a tree: its tokens are those of its parent and one more.

    Args:
        parent: None of what all texts that are followed begin with.
        last: its last token, blank of the empty text.
        blank, token: log of the probability of all paths up to now that say it and end in blank, or in its last token.
        worth: what the language model adds to its rank.
        gone: whether neither it nor any beginning of it is followed.
    """

    parent: _Text | None
    last: int
    worth: float = 0.0
    language: Any = None
    blank: float = _NEVER
    token: float = _NEVER
    children: dict[int, _Text] = field(default_factory=dict)
    gone: bool = False

    @property
    def total(self) -> float:
        return _sum(self.blank, self.token)

    def path(self) -> list[_Text]:
        """From the root of the tree to itself."""
        found: list[_Text] = [self]
        while found[-1].parent is not None:
            found.append(found[-1].parent)
        return found[::-1]


class BeamSearch:
    """Prefix beam search (Hannun et al., arXiv:1408.2873), in logarithms, fed step by step.

    Of every text l that is followed, the probability of all paths that say it, by whether they end in blank or not:

        p_b(l, t)  = p(blank | t) (p_b + p_n)(l, t - 1)
        p_n(l, t)  = p(c | t) p_n(l, t - 1) + p(c | t) q,    c the last token of l, k the text without it,
                     q = p_b(k, t - 1) where k ends in c, else (p_b + p_n)(k, t - 1)

    The `width` texts with the highest log(p_b + p_n) + alpha log p_LM(l) + beta words(l) are followed on. Followed all,
    the best one is the likeliest text of all.

    Args:
        width: texts that are followed.
        fusion: a language model; None ranks by the network alone.
        least: tokens less likely than this at a step are not tried there.

    >>> search = BeamSearch(4)
    >>> search.advance(np.log([[0.6, 0.4], [0.6, 0.4]]))  # "" has 0.36, "a" 0.4 * 0.6 * 2 + 0.4 * 0.4
    >>> search.best()
    [1]
    """

    def __init__(self, width: int, fusion: Fusion | None = None, *, least: float = 0.0):
        self.width, self.fusion = width, fusion
        self._least = math.log(least) if least > 0 else _NEVER
        root = _Text(None, BLANK, blank=0.0)
        if fusion is not None:
            root.language = fusion.scorer.begin()
        self._followed, self._steps = [root], 0
        self._settled: list[int] = []  # the tokens of the root

    def advance(self, log_p: np.ndarray) -> None:
        """Go on by steps: (n, V + 1) log probabilities, blank first."""
        for step in np.asarray(log_p, dtype=np.float64).tolist():
            self._step(step)

    def best(self, *, ended: bool = True) -> list[int]:
        """The tokens of the best text up to now.

        Args:
            ended: no step will come: the language model says how well a text ends so, too.
        """
        best = max(self._followed, key=lambda text: self._rank(text, ended=ended))
        return [*self._settled, *(text.last for text in best.path()[1:])]

    def _step(self, log_p: list[float]) -> None:
        tried = [token for token, p in enumerate(log_p) if p >= self._least and token != BLANK]
        before = [(text, text.blank, text.token, text.total) for text in self._followed]
        after: dict[int, _Text] = {}
        for text, _, token, total in before:
            text.blank = total + log_p[BLANK]
            text.token = token + log_p[text.last] if text.last != BLANK else _NEVER
            after[id(text)] = text
        for text, blank, _, total in before:
            for token in tried:
                longer = text.children.get(token) or self._longer(text, token)
                if id(longer) not in after:
                    longer.blank = longer.token = _NEVER
                    after[id(longer)] = longer
                arrived = (blank if token == text.last else total) + log_p[token]
                longer.token = _sum(longer.token, arrived)
        self._followed = sorted(after.values(), key=self._rank, reverse=True)[: self.width]
        self._prune()
        self._steps += 1
        if self._steps % _SETTLED_AFTER == 0:
            self._settle()

    def _prune(self) -> None:
        """Keep of the tree what leads to the texts that are followed, and what these were asked to go on with. Texts
        that no followed one is the beginning of cannot come back: of them only the tokens are kept.
        """
        followed = {id(text) for text in self._followed}
        leading: dict[int, tuple[_Text, dict[int, _Text]]] = {}
        tops: dict[int, _Text] = {}
        for node in self._followed:
            while node.parent is not None and not node.parent.gone:
                _, branches = leading.setdefault(id(node.parent), (node.parent, {}))
                if node.last in branches:
                    break
                branches[node.last] = node
                node = node.parent  # noqa: PLW2901
            else:
                tops[id(node)] = node
        for text in self._followed:
            for child in text.children.values():
                if id(child) not in followed and id(child) not in leading:
                    child.children = {}
        for text, branches in leading.values():
            if id(text) not in followed:
                text.children = branches
        waiting = list(tops.values())
        while waiting:
            top = waiting.pop()
            if id(top) not in followed:
                waiting += top.children.values()
                top.gone, top.language, top.children = True, None, {}

    def _settle(self) -> None:
        """Put what all texts that are followed begin with where it need not be walked through."""
        path = self._followed[0].path()
        places = {id(text): n for n, text in enumerate(path)}
        common = len(path) - 1
        for node in self._followed:
            while id(node) not in places:
                assert node.parent is not None
                node = node.parent  # noqa: PLW2901
            common = min(common, places[id(node)])
        self._settled += [text.last for text in path[1 : common + 1]]
        path[common].parent = None

    def _longer(self, text: _Text, token: int) -> _Text:
        """`text` and one more token; what the language model says of it is asked once."""
        longer = _Text(text, token, worth=text.worth)
        if self.fusion is not None:
            if self.fusion.weight:
                said, longer.language = self.fusion.scorer.read(text.language, token)
                longer.worth += self.fusion.weight * said
            if self.fusion.begins_word(text.last, token):
                longer.worth += self.fusion.word_bonus
        text.children[token] = longer
        return longer

    def _rank(self, text: _Text, *, ended: bool = False) -> float:
        rank = text.total + text.worth
        if ended and self.fusion is not None and self.fusion.weight:
            rank += self.fusion.weight * self.fusion.scorer.end(text.language)
        return rank


class PathFollowing:
    """The likeliest path, fed step by step as `BeamSearch` is.

    >>> path = PathFollowing()
    >>> path.advance(np.log([[0.6, 0.4], [0.3, 0.7]]))
    >>> path.best()
    [1]
    """

    def __init__(self) -> None:
        self._tokens: list[int] = []
        self._last = BLANK

    def advance(self, log_p: np.ndarray) -> None:
        """Go on by steps: (n, V + 1)."""
        for token in np.asarray(log_p).argmax(1).tolist() if len(log_p) else ():
            if token not in (BLANK, self._last):
                self._tokens.append(token)
            self._last = token

    def best(self, *, ended: bool = True) -> list[int]:
        """The tokens up to now."""
        return list(self._tokens)


def _sum(a: float, b: float) -> float:
    """log(exp a + exp b)."""
    low, high = (a, b) if a < b else (b, a)
    return high if low == _NEVER else high + math.log1p(math.exp(low - high))


LEAST = 1e-5  # likelihood of a token that a search tries


def make_decoder(
    width: int, fusion: Fusion | None = None, only: Sequence[np.ndarray] = ()
) -> BeamSearch | PathFollowing | KnownTexts:
    """A search of that width; of width 1 and without a language model the likeliest path.

    Args:
        only: texts that alone may be written: the likeliest of them is sought instead.
    """
    if only:
        return KnownTexts(only)
    if width == 1 and fusion is None:
        return PathFollowing()
    return BeamSearch(width, fusion, least=LEAST)
