"""The n-gram model that one would take instead of a network: interpolated modified Kneser-Ney."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from recurra.errors import InputError


@dataclass(frozen=True)
class _Order:
    """What is known of the k-grams of a stream, G of them, sorted by `code`.

    Args:
        code: (G,) int64, context * V + token, the context being the place of the first k - 1 tokens among the
            (k-1)-grams.
        mass: (G,) what each keeps of its counts after discounting, as a share of its context's counts.
        left: (C,) what each context of k - 1 tokens leaves to the shorter one; 1 where nothing followed it.
    """

    code: np.ndarray
    mass: np.ndarray
    left: np.ndarray

    def find(self, codes: np.ndarray) -> np.ndarray:
        """The places of `codes`, -1 where they are not."""
        at = np.searchsorted(self.code, codes).clip(max=len(self.code) - 1)
        return np.where(self.code[at] == codes, at, -1)


class NgramModel:
    """Interpolated modified Kneser-Ney over token ids (Chen & Goodman 1999, doi:10.1006/csla.1999.0128).

        p_k(w | h) = max(c_k(h w) - D_k(c_k(h w)), 0) / sum_v c_k(h v) + left(h) p_{k-1}(w | h'),
        p_0 = 1 / (V - 1)

    h are the k - 1 tokens before w, h' the last k - 2 of them. Of the longest n-grams c_k counts how often they
    occur, of shorter ones how many different tokens stand before them. D_k takes off D1, D2 or D3 from counts
    of 1, 2, and 3 or more, by how many k-grams have counts of 1 to 4:

        Y = n1 / (n1 + 2 n2),  D1 = 1 - 2 Y n2 / n1,  D2 = 2 - 3 Y n3 / n2,  D3 = 3 - 4 Y n4 / n3

    left(h) is what was taken off, so that the whole sums to 1. The stream is read as one sequence; only id 0,
    padding, has no probability.

    >>> model = NgramModel.fit(np.array([2, 3, 2, 3, 2, 4, 2, 3]), 5, order=2)
    >>> model.distribution([2]).argmax(), model.distribution([2]).sum().round(6)
    (np.int64(3), np.float64(1.0))
    """

    def __init__(self, orders: list[_Order], unigram: np.ndarray):
        self._orders = orders
        self._unigram = unigram

    @classmethod
    def fit(cls, ids: np.ndarray, vocabulary_size: int, *, order: int = 5) -> NgramModel:
        """Count a stream (n,) of ids from 1 to V - 1; time and memory go with n times the order.

        Raises:
            InputError: no ids, ids outside of the vocabulary, or an order below 1.
        """
        if order < 1:
            raise InputError(f"expected an order of 1 or more, found {order}", where="order")
        ids = _checked(ids, vocabulary_size)
        places, codes, suffixes, counts = ids, [], [], []
        firsts = vocabulary_size  # (k-1)-grams that may stand in front
        for k in range(2, min(order, len(ids)) + 1):
            after = places[1:]  # the place of the last k - 1 tokens of the k-gram at each step
            code = places[:-1] * vocabulary_size + ids[k - 1 :]
            found, first, places, count = np.unique(
                code, return_index=True, return_inverse=True, return_counts=True
            )
            codes.append(found)
            suffixes.append((after[first], firsts))
            counts.append(count)
            firsts = len(found)
        if not codes:
            return cls([], _smooth_unigram(np.bincount(ids, minlength=vocabulary_size)))
        # Of a k-gram below the highest order counts how many (k+1)-grams end with it.
        fans = [np.bincount(suffix, minlength=size) for suffix, size in suffixes]
        orders = []
        for k, code in enumerate(codes):
            count = counts[k] if k == len(codes) - 1 else fans[k + 1]
            orders.append(_discounted(code, count, suffixes[k][1], vocabulary_size))
        return cls(orders, _smooth_unigram(fans[0]))

    @property
    def vocabulary_size(self) -> int:
        """V."""
        return len(self._unigram)

    @property
    def order(self) -> int:
        """n: tokens looked at, the one to come included."""
        return len(self._orders) + 1

    def nats(self, ids: np.ndarray) -> np.ndarray:
        """(n,) minus the natural logarithm of the probability of each token of a stream, given those before it.

        Raises:
            InputError: no ids, or ids outside of the vocabulary.
        """
        ids = _checked(ids, self.vocabulary_size)
        probability = self._unigram[ids]
        places = ids  # of the (k-1)-gram that begins at each step
        for k, order in enumerate(self._orders[: len(ids) - 1], start=2):
            context, known = places[:-1], places[:-1] >= 0
            code = np.where(known, context, 0) * self.vocabulary_size + ids[k - 1 :]
            places = np.where(known, order.find(code), -1)
            kept = np.where(places >= 0, order.mass[places], 0.0)
            left = np.where(known, order.left[context], 1.0)
            probability[k - 1 :] = kept + left * probability[k - 1 :]
        return -np.log(probability)

    def distribution(self, context: Any) -> np.ndarray:
        """(V,) the probability of each token after `context`, any number of ids of which the last count."""
        given = [int(i) for i in context]
        context = given[-(self.order - 1) :] if self.order > 1 else []
        found = self._unigram.copy()
        for length in range(1, len(context) + 1):
            place = self._place(context[-length:])
            if place < 0:
                break
            order = self._orders[length - 1]
            low, high = np.searchsorted(order.code, [place * len(found), (place + 1) * len(found)])
            found *= order.left[place]
            found[order.code[low:high] - place * len(found)] += order.mass[low:high]
        return found

    def step(self, token: int, state: tuple[int, ...] | None = None) -> tuple[Any, tuple[int, ...]]:
        """Read a token: the log-probabilities (V,) of the next one, as a torch tensor, and the state.

        The state is the context, no longer than the order asks; see `recurra.tasks.generation.generate`.
        """
        import torch

        state = (*(state or ()), int(token))[-max(self.order - 1, 1) :]
        with np.errstate(divide="ignore"):
            return torch.from_numpy(np.log(self.distribution(state))), state

    def _place(self, gram: list[int]) -> int:
        """The place of a gram among those of its length, -1 where it never occurred."""
        place = gram[0]
        for token, order in zip(gram[1:], self._orders, strict=False):
            if place >= 0:
                place = int(order.find(np.array([place * self.vocabulary_size + token]))[0])
        return place


def _discounted(code: np.ndarray, count: np.ndarray, contexts: int, vocabulary_size: int) -> _Order:
    context = code // vocabulary_size
    discount = np.concatenate([[0.0], _discounts(count)])[np.minimum(count, 3)]
    total = np.bincount(context, weights=count, minlength=contexts)
    taken = np.bincount(context, weights=discount, minlength=contexts)
    some = np.where(total > 0, total, 1.0)
    return _Order(code, (count - discount) / some[context], np.where(total > 0, taken / some, 1.0))


def _smooth_unigram(count: np.ndarray) -> np.ndarray:
    """(V,) probabilities without context, mixed with equal ones for all ids but padding."""
    discount = np.concatenate([[0.0], _discounts(count)])[np.minimum(count, 3)]
    total = count.sum()
    if not total:  # a stream of one token has no pairs
        count, total, discount = np.ones(len(count)), float(len(count)), np.zeros(len(count)) + 0.5
    found = (count - discount) / total + discount.sum() / total / (len(count) - 1)
    found[0] = 0.0
    return found / found.sum()


def _discounts(count: np.ndarray) -> np.ndarray:
    """(3,) D1, D2, D3 by the counts of counts; 0.5, 1 and 1.5 where these give no usable numbers."""
    n1, n2, n3, n4 = np.bincount(np.minimum(count, 5), minlength=6)[1:5].astype(float)
    if min(n1, n2, n3) > 0:
        y = n1 / (n1 + 2 * n2)
        found = np.array([1 - 2 * y * n2 / n1, 2 - 3 * y * n3 / n2, 3 - 4 * y * n4 / n3])
        if (found > 0).all() and (found < [1, 2, 3]).all():
            return found
    return np.array([0.5, 1.0, 1.5])


def _checked(ids: np.ndarray, vocabulary_size: int) -> np.ndarray:
    ids = np.asarray(ids)
    if ids.ndim != 1 or not len(ids) or not np.issubdtype(ids.dtype, np.integer):
        raise InputError(f"expected a stream of ids, found {ids.dtype} of shape {ids.shape}", where="ids")
    if ids.min() < 1 or ids.max() >= vocabulary_size:
        raise InputError(
            f"expected ids from 1 to {vocabulary_size - 1}, found {ids.min()} to {ids.max()}",
            where="ids",
            fix="Encode the text with the codec of the training text; padding (0) is no text.",
        )
    return ids.astype(np.int64)
