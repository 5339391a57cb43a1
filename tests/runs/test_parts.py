"""Which examples are scored, and what is told of them."""

import numpy as np
import pytest

from recurra.data.examples import Examples
from recurra.runs.events import Said
from recurra.runs.parts import scored_part


@pytest.mark.parametrize("parts", [None, ["test"] * 4, ["train"] * 4])
def test_all_are_scored_where_no_part_of_them_is_for_testing(parts):
    told, examples = [], made(parts)
    assert scored_part(examples, told.append) is examples
    assert not told


def test_of_data_with_parts_the_test_part_is_scored_and_that_is_told():
    told = []
    chosen = scored_part(made(["train", "test", "validation", "test"]), told.append, "recordings")
    assert chosen.rows.tolist() == [1, 3]
    assert told == [Said("the test part alone is scored, 2 of 4 recordings")]


def made(parts):
    texts = np.array(list("abcd"), dtype=object)
    return Examples(texts, None, None, rows=np.arange(4), parts=None if parts is None else np.array(parts))
