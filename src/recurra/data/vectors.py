"""Word vectors from the training texts alone, in seconds: a good place for an embedding to start from."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import scipy.sparse as sp

from recurra.data.packed import Packed
from recurra.errors import InputError

_FIRST_WORD = 2  # ids 0 and 1 are padding and unknown
_CHUNK_STEPS = 1_000_000


def word_vectors(
    packed: Packed,
    vocabulary_size: int,
    size: int,
    seed: int,
    *,
    window: int = 5,
    smoothing: float = 0.75,
    deviation: float = 0.5,
) -> np.ndarray:
    """Factorised positive pointwise mutual information of words in a window.

        n(w, c)  = sum over pairs of w and c, d <= window steps apart in one text, of 1 / d
        M(w, c)  = max(0, log( n(w, c) N^s / (n(w) n(c)^s) )),   N^s = sum_c n(c)^s,  s = smoothing
        M        ~ U diag(S) V'   (`size` largest singular values)
        vectors  = U diag(S)^(1/2)

    Levy, Goldberg & Dagan, TACL 2015: harmonic weights, context distribution smoothing 0.75, eigenvalue
    weighting 0.5. Factorised by scikit-learn's randomised SVD (Halko, Martinsson & Tropp, 2011); the sign
    of each column is such that its largest entry is positive.

    Args:
        packed: N texts as ids, the training texts and no others. Padding and unknown keep their step, so
            that distances stay true, but make no pairs; no pair crosses the border of a text.
        vocabulary_size: V.
        size: columns. Where M has fewer dimensions, the rest are normal draws from the seed.
        seed: of the randomised SVD and the draws.
        window: steps to either side.
        smoothing: s above.
        deviation: the standard deviation of all entries of the result over words that have neighbours.

    Returns:
        (V, size) float32; the rows of padding, of unknown and of words without neighbours are 0.

    Raises:
        InputError: an id is not below V.

    >>> draw = np.random.default_rng(0).integers
    >>> texts = Packed.from_list([draw(2, 5, 50), draw(5, 8, 50)])  # words 2 to 4, words 5 to 7
    >>> v = word_vectors(texts, 8, 2, seed=0)
    >>> v.shape, bool(v[2] @ v[3] > 100 * abs(v[2] @ v[5]))
    ((8, 2), True)
    """
    if len(packed.values) and int(packed.values.max()) >= vocabulary_size:
        raise InputError(
            f"expected ids below {vocabulary_size}, found {int(packed.values.max())}", where="packed"
        )
    vectors = np.zeros((vocabulary_size, size), dtype=np.float32)
    information = _information(_pairs(packed, vocabulary_size, window), smoothing)
    met = np.flatnonzero(np.diff(information.indptr))
    if len(met) == 0:
        return vectors
    rng = np.random.default_rng(seed)
    # Rows and columns of words without neighbours hold nothing; a smaller matrix is factorised as well.
    information = information[met][:, met]
    rank = min(size, len(met))
    vectors[met, :rank] = _factors(information, rank, seed)
    held = vectors[met, :rank].std()
    if held > 0:
        vectors[met, :rank] *= deviation / held
    vectors[met, rank:] = deviation * rng.standard_normal((len(met), size - rank), dtype=np.float32)
    return vectors


def _factors(information: sp.csr_array, rank: int, seed: int) -> np.ndarray:
    from sklearn.utils.extmath import randomized_svd

    u, s, _ = randomized_svd(
        information,
        rank,
        n_iter=2,  # pyright: ignore[reportArgumentType]
        random_state=seed,
        flip_sign=False,
    )
    vectors = u * np.sqrt(s)
    signs = np.sign(vectors[np.abs(vectors).argmax(axis=0), np.arange(rank)])
    return vectors * np.where(signs == 0, 1, signs)


def _information(counts: sp.csr_array, smoothing: float) -> sp.csr_array:
    """M of `word_vectors` from symmetric counts, in their place."""
    totals = np.asarray(counts.sum(axis=1), dtype=np.float64).ravel()
    contexts = totals**smoothing
    share = np.log(np.maximum(contexts / max(contexts.sum(), 1e-300), 1e-300)).astype(np.float32)
    counts.data = np.log(counts.data)
    counts.data -= np.repeat(np.log(np.maximum(totals, 1e-300)).astype(np.float32), np.diff(counts.indptr))
    counts.data -= share[counts.indices]
    np.maximum(counts.data, 0, out=counts.data)
    counts.eliminate_zeros()
    return counts


def _pairs(packed: Packed, vocabulary_size: int, window: int) -> sp.csr_array:
    """(V, V) float32 n(w, c), symmetric: its upper half is counted, a chunk of steps at a time."""
    half = sp.csr_array((vocabulary_size, vocabulary_size), dtype=np.float32)
    for ids, text in _chunks(packed):
        rows, columns, weights = [], [], []
        for distance in range(1, min(window, len(ids) - 1) + 1):
            left, right = ids[:-distance], ids[distance:]
            pair = (text[:-distance] == text[distance:]) & (left >= _FIRST_WORD) & (right >= _FIRST_WORD)
            left, right = left[pair], right[pair]
            rows.append(np.minimum(left, right))
            columns.append(np.maximum(left, right))
            # A pair of one word with itself is counted in both directions, as any other.
            weights.append(np.where(left == right, 2.0 / distance, 1.0 / distance).astype(np.float32))
        if rows:
            entries = (np.concatenate(weights), (np.concatenate(rows), np.concatenate(columns)))
            half = half + sp.coo_array(entries, shape=half.shape).tocsr()
    return (half + sp.triu(half, k=1).T).tocsr()


def _chunks(packed: Packed) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Whole texts of about `_CHUNK_STEPS` together, as ids and the number of the text of each step."""
    values, offsets = packed.flat()
    first = 0
    while first < len(packed):
        last = int(np.searchsorted(offsets, offsets[first] + _CHUNK_STEPS, side="right")) - 1
        last = min(max(last, first + 1), len(packed))
        steps = offsets[first : last + 1]
        ids = np.asarray(values[steps[0] : steps[-1]], dtype=np.int32)
        yield ids, np.repeat(np.arange(last - first, dtype=np.int32), np.diff(steps))
        first = last
