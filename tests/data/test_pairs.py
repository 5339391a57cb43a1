from __future__ import annotations

from collections import Counter
from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from recurra.data.packed import Packed
from recurra.data.pairs import common_pairs

V = 6
TEXTS = st.lists(st.lists(st.integers(0, V - 1), max_size=12), min_size=1, max_size=8)


@given(TEXTS, st.integers(0, 10), st.integers(1, 3))
def test_pairs_are_those_that_counting_finds(texts, most, least):
    counts = Counter(a * V + b for text in texts for a, b in pairwise(text) if a >= 2 and b >= 2)
    found = common_pairs(Packed.from_list([np.array(t, dtype=np.int32) for t in texts]), V, most, least)
    enough = sorted((-n, code) for code, n in counts.items() if n >= least)
    assert found.tolist() == sorted(code for _, code in enough[:most])


def test_codes_of_a_large_vocabulary_do_not_overflow():
    texts = Packed.from_list([np.array([99_998, 99_999] * 2, dtype=np.int32)])
    assert common_pairs(texts, 100_000, 5).tolist() == [99_998 * 100_000 + 99_999]
