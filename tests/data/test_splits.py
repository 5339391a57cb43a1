from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recurra.data.examples import Examples
from recurra.data.packed import Packed
from recurra.data.splits import Split, make_split
from recurra.errors import DataError, InputError
from tests.work import calls_of


def objects(entries) -> np.ndarray:
    entries = list(entries)
    array = np.empty(len(entries), dtype=object)
    array[:] = entries
    return array


def examples(targets=None, *, texts=None, count=0, **further) -> Examples:
    count = count if targets is None else len(targets)
    texts = objects(f"text {n}" for n in range(count)) if texts is None else objects(texts)
    if targets is not None and not isinstance(targets, np.ndarray):
        targets = objects(targets)
    return Examples(texts, None, targets, rows=np.arange(1, count + 1), **further)


def parts(split: Split) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return split.train, split.validation, split.test


def check_whole(split: Split, count: int) -> None:
    assert np.sort(np.concatenate(parts(split))).tolist() == list(range(count))
    for part in parts(split):
        assert part.dtype == np.int64
        assert (np.diff(part) > 0).all()


CLASSES = st.lists(st.sampled_from("aaaabbc"), min_size=6, max_size=80)
SHARES = st.tuples(st.floats(0.05, 0.5), st.one_of(st.none(), st.floats(0.05, 0.5)))


@settings(deadline=None)
@given(CLASSES, SHARES, st.integers(0, 3), st.booleans())
def test_every_example_stands_in_one_part(targets, shares, seed, stratify):
    targets = [*targets, "a", "a", "a", "a"]
    options = {"seed": seed, "validation": shares[0], "test": shares[1], "stratify": stratify}
    split = make_split(examples(targets), **options)
    check_whole(split, len(targets))
    assert len(split.train) > 0
    assert len(split.validation) > 0
    assert (len(split.test) > 0) == (shares[1] is not None)
    for part, again in zip(parts(split), parts(make_split(examples(targets), **options)), strict=True):
        assert part.tolist() == again.tolist()


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 12), st.sampled_from("ab")), min_size=10, max_size=80),
    st.integers(0, 3),
    st.sampled_from(["groups", "copies", "time"]),
    st.sampled_from([None, 0.2]),
)
def test_groups_and_copies_never_stand_on_two_sides(pairs, seed, kind, test):
    groups = [g for g, _ in pairs] + list(range(20, 32))
    targets = [t for _, t in pairs] + ["a", "b"] * 6
    if kind == "copies":
        made = examples(targets, texts=[f"text {g}" for g in groups])
    else:
        made = examples(targets, groups=objects(f"person {g}" for g in groups))
    split = make_split(made, seed=seed, test=test, by_time=kind == "time", validation=0.1)
    check_whole(split, len(targets))
    for a, b in ((0, 1), (0, 2), (1, 2)):
        sides = [set(np.array(groups)[part].tolist()) for part in parts(split)]
        assert not sides[a] & sides[b]


def test_copies_of_numeric_sequences_stay_together():
    rng = np.random.default_rng(0)
    originals = [rng.normal(size=(rng.integers(1, 4), 2)).astype(np.float32) for _ in range(40)]
    originals[0][0, 0] = np.nan
    chosen = rng.integers(0, 40, 200)
    packed = Packed.from_list([originals[n] for n in chosen])
    split = make_split(Examples(None, packed, None, rows=np.arange(200)), seed=0, validation=0.1)
    sides = [set(chosen[part].tolist()) for part in parts(split)]
    assert not sides[0] & sides[1]
    assert not sides[0] & sides[2]
    assert not sides[1] & sides[2]
    assert any("repeat the input of another" in note for note in split.notes)


def test_shares_and_classes_are_kept():
    targets = ["a"] * 700 + ["b"] * 200 + ["c"] * 100
    split = make_split(examples(targets), seed=1, validation=0.1)
    assert [Counter(np.array(targets)[part].tolist()) for part in parts(split)] == [
        {"a": 504, "b": 144, "c": 72},
        {"a": 56, "b": 16, "c": 8},
        {"a": 140, "b": 40, "c": 20},
    ]
    assert split.notes == ()


def test_without_a_test_part():
    split = make_split(examples(["a", "b"] * 500), seed=0, test=0, validation=0.1)
    assert [len(part) for part in parts(split)] == [900, 100, 0]


def test_seeds_differ():
    made = examples(["a", "b"] * 50)
    assert len({str(make_split(made, seed=seed, validation=0.1).validation) for seed in range(5)}) == 5


def test_classes_of_one_row_go_to_training():
    targets = ["a"] * 30 + ["b"] * 30 + ["only", "single"]
    split = make_split(examples(targets), seed=0, validation=0.1)
    assert {60, 61} <= set(split.train.tolist())
    assert "2 classes have no example in the validation part: only, single." in split.notes
    assert any("test part has only 12 examples" in note for note in split.notes)


def test_small_data_has_every_class_in_validation():
    targets = ["a", "b"] * 4
    split = make_split(examples(targets), seed=0, test=0, validation=0.1)
    assert sorted(targets[n] for n in split.validation) == ["a", "b"]
    assert any("validation part has only 2 examples" in note for note in split.notes)


def test_many_small_classes_leave_training_its_examples():
    targets = [f"class {n}" for n in range(100) for _ in range(3)]
    split = make_split(examples(targets), seed=0, test=0, validation=0.1)
    assert len(split.validation) == 75
    assert set(np.array(targets)[split.train]) == set(targets)


def test_nothing_to_draw_is_an_error():
    with pytest.raises(DataError, match=r"of 20%, found 3\. Give more examples, at least two in a class"):
        make_split(examples(["a", "b", "c"]), seed=0, validation=0.1)
    with pytest.raises(DataError, match="found 6 in 1 groups"):
        make_split(examples(["a", "b"] * 3, groups=objects("x" * 6)), seed=0, validation=0.1)
    with pytest.raises(DataError, match=r"found 1\. Give more examples, at least two, or name"):
        make_split(examples(count=1), seed=0, validation=0.1)


def test_regression_targets_are_spread_over_the_parts():
    targets = np.random.default_rng(0).exponential(size=1_000)
    split = make_split(examples(targets), seed=0, validation=0.1)
    assert len(split.validation) == 80
    for part in (split.validation, split.test):
        expected = np.quantile(targets, [0.1, 0.5, 0.9])
        np.testing.assert_allclose(np.quantile(targets[part], [0.1, 0.5, 0.9]), expected, rtol=0.25)
    counts = np.histogram(targets[split.test], np.quantile(targets, np.linspace(0, 1, 11)))[0]
    assert counts.tolist() == [20] * 10


def test_combinations_of_labels_are_spread_and_single_ones_do_not_stop_it():
    rng = np.random.default_rng(0)
    targets = rng.random((300, 3)) < [0.5, 0.2, 0.1]
    split = make_split(examples(targets), seed=0, validation=0.1)
    for part in (split.validation, split.test):
        np.testing.assert_allclose(targets[part].mean(axis=0), targets.mean(axis=0), atol=0.06)
    alone = np.array([[bool(n >> k & 1) for k in range(5)] for n in range(32)])
    split = make_split(examples(alone), seed=0, validation=0.1)
    assert [len(part) for part in parts(split)] == [23, 3, 6]


def test_groups_that_mix_classes_keep_the_share_of_classes():
    rng = np.random.default_rng(0)
    groups = rng.integers(0, 100, 3_000)
    targets = np.where(rng.random(3_000) < groups / 100, "a", "b")
    made = examples(targets, groups=objects(groups.tolist()))
    split = make_split(made, seed=0, validation=0.1)
    for part, share in ((split.validation, 0.08), (split.test, 0.2)):
        assert abs(len(part) / 3_000 - share) < 0.02
        assert abs((targets[part] == "a").mean() - (targets == "a").mean()) < 0.03


def test_few_groups_and_rare_classes():
    made = examples(["a", "b", "b", "a", "c"] * 4, groups=objects(list("uvwxy") * 4))
    split = make_split(made, seed=0, validation=0.1)
    assert [len(part) for part in parts(split)] == [12, 4, 4]


def test_time_order_is_kept():
    split = make_split(examples(["a"] * 50 + ["b"] * 50), seed=0, by_time=True, validation=0.1)
    assert split.test.tolist() == list(range(80, 100))
    assert split.validation.tolist() == list(range(72, 80))


def test_time_order_with_groups_puts_a_group_where_its_last_example_stands():
    groups = [n // 7 for n in range(100)]
    split = make_split(
        examples(count=100, groups=objects(groups)), seed=0, by_time=True, test=0, validation=0.1
    )
    assert split.validation.tolist() == list(range(84, 100))


def test_given_parts_are_kept_and_missing_ones_drawn():
    names = objects(["train"] * 60 + ["test"] * 40)
    split = make_split(examples(["a", "b"] * 50, parts=names), seed=0, validation=0.1)
    assert split.test.tolist() == list(range(60, 100))
    assert len(split.validation) == 6
    assert split.validation.max() < 60
    check_whole(split, 100)
    names = objects(["validation"] * 20 + ["train"] * 70 + ["test"] * 10)
    split = make_split(examples(["a", "b"] * 50, parts=names), seed=0, validation=0.1)
    assert [len(part) for part in parts(split)] == [70, 20, 10]
    names = objects(["validation"] * 20 + ["train"] * 80)
    assert len(make_split(examples(["a", "b"] * 50, parts=names), seed=0, test=0, validation=0.1).test) == 0


def test_wrong_parts_and_shares_are_refused():
    with pytest.raises(DataError, match="expected parts named train, validation, test, found 'dev'"):
        make_split(examples(["a", "b"], parts=objects(["train", "dev"])), seed=0, validation=0.1)
    with pytest.raises(DataError, match="rows marked 'train'"):
        make_split(examples(["a", "b"], parts=objects(["test", "test"])), seed=0, validation=0.1)
    for wrong in (1, -0.1, 20):
        with pytest.raises(InputError, match="validation: expected a share from 0 to below 1"):
            make_split(examples(["a", "b"]), seed=0, validation=wrong)
        with pytest.raises(InputError, match="test: expected a share from 0 to below 1"):
            make_split(examples(["a", "b"]), seed=0, test=wrong, validation=0.1)


def test_splitting_takes_no_more_than_a_few_calls_for_an_example():
    count = 25_000
    targets = ["pos", "neg"] * (count // 2)
    made = examples(targets)
    assert calls_of(lambda: make_split(made, seed=0, validation=0.1)) < 20 * count
    made = examples(targets, groups=objects(n // 5 for n in range(count)))
    assert calls_of(lambda: make_split(made, seed=0, validation=0.1)) < 100 * count


def test_a_tenth_is_held_out_only_where_that_is_enough_to_judge_by():
    few, many = (make_split(examples(["a", "b"] * half), seed=0, test=0) for half in (200, 250))
    assert len(few.validation) == 0 and len(few.train) == 400
    assert any("too few to spare any for validation" in note for note in few.notes)
    assert len(many.validation) == 50
    assert len(make_split(examples(["a", "b"] * 250), seed=0, test=0, validation=0).validation) == 0


@pytest.mark.parametrize("count", [*range(4, 40), 64, 99, 100, 250])
@pytest.mark.parametrize("share", [0.1, 0.2, 0.5])
def test_share_of_a_regression_target_is_kept(count, share):
    made = examples(np.random.default_rng(0).normal(size=count))
    split = make_split(made, seed=0, test=share, validation=0.0)
    check_whole(split, count)
    assert abs(len(split.test) - share * count) <= max(1.5, 0.05 * count)


@pytest.mark.parametrize("kind", ["parts", "time", "groups"])
def test_copies_on_both_sides_are_said(kind):
    texts = [f"text {n}" for n in range(20)]
    texts[17] = texts[3]
    further = {}
    if kind == "parts":
        further["parts"] = objects(["train"] * 15 + ["test"] * 5)
    if kind == "groups":
        further["groups"] = objects(["a"] * 10 + ["b"] * 10)
    split = make_split(
        examples(["a", "b"] * 10, texts=texts, **further),
        seed=0,
        test=0.5 if kind == "groups" else 0.25,
        validation=0.0,
        by_time=kind == "time",
    )
    count = len(split.test)
    said = (
        f"1 of the {count} test inputs also stand in the training part: its score says less about new ones."
    )
    assert said in split.notes
    texts[17] = "text 17"
    clean = make_split(examples(["a", "b"] * 10, texts=texts, **further), seed=0, test=0.25, validation=0.0)
    assert not any("also stand" in note for note in clean.notes)


def test_copies_of_sequences_are_told_by_all_their_values():
    packed = Packed.from_list([np.float32([[1.0], [2.0]]), np.float32([[1.0]]), np.float32([[1.0], [2.0]])])
    keys = Examples(None, packed, None, rows=np.arange(1, 4)).inputs()
    assert keys[0] == keys[2] != keys[1]


@pytest.mark.parametrize(("empty", "least"), [(0.3, 0.19), (0.6, 0.19), (0.9, 0.04)])
def test_many_copies_of_one_input_stay_in_training(empty, least):
    for seed in range(6):
        rng = np.random.default_rng(seed)
        targets = np.where(rng.random(2_000) < 0.5, "a", "b")
        copies = rng.random(2_000) < empty
        texts = ["" if copy else f"text {n}" for n, copy in enumerate(copies)]
        split = make_split(examples(targets, texts=texts), seed=seed)
        assert least < len(split.test) / 2_000 < 0.21
        assert not copies[split.test].any() and not copies[split.validation].any()
        assert abs((targets[split.test] == "a").mean() - 0.5) < 0.1
        told = any("test part has" in note and "instead of 20.0%" in note for note in split.notes)
        assert told == (empty == 0.9)


@pytest.mark.parametrize("count", [200, 2_001])
def test_a_group_of_half_the_data_stays_in_training(count):
    for seed in range(2):
        groups = np.random.default_rng(seed).permutation(np.r_[np.zeros(count, int), np.arange(1, count + 1)])
        made = examples(["a", "b"] * count, groups=objects(groups.tolist()))
        split = make_split(made, seed=seed, validation=0.1)
        assert 0.19 < len(split.test) / (2 * count) < 0.26
        assert 0 not in groups[split.test] and 0 not in groups[split.validation]


def test_a_share_that_groups_miss_by_far_is_told():
    groups = objects(np.repeat(list("abc"), 40).tolist())
    split = make_split(examples(["a", "b"] * 60, groups=groups), seed=0, test=0.1, validation=0)
    assert len(split.test) == 40
    said = "The test part has 40 examples, 33.3% instead of 10.0%: groups and copies are drawn as a whole"
    assert any(note.startswith(said) for note in split.notes)
