"""Scores and baselines of captions."""

import numpy as np
import pytest
from sacrebleu.metrics.bleu import BLEU

from recurra.data.packed import Packed
from recurra.errors import InputError
from recurra.tasks.captioning.baselines import run_caption_baselines
from recurra.tasks.captioning.scores import CaptionMeasures
from recurra.tasks.captioning.settings import default_caption_settings, measure_of

ANSWERS = ["a Three left of a  seven", "two ones", "a dog runs on the green grass", "nothing"]
REFERENCES = [
    ("a three left of a seven", "a seven right of a three"),
    ("three ones",),
    ("a brown dog runs on the grass", "the dog runs on green grass", "a dog"),
    ("something",),
]


@pytest.mark.parametrize("first", ["exact", "bleu"])
def test_scores_are_those_of_the_library_and_of_plain_counting(first):
    measures = CaptionMeasures(first)
    sums = measures.sums(ANSWERS, REFERENCES)
    scores = {score.name: score for score in measures.scores(sums)}
    assert measures.headline.name == next(iter(scores)) == {"exact": "exactly right", "bleu": "BLEU"}[first]
    assert scores["exactly right"].value == 0.25
    streams = [[said[k] if k < len(said) else None for said in REFERENCES] for k in range(3)]
    library = BLEU(tokenize="13a", lowercase=True, force=True)
    assert scores["BLEU"].value == pytest.approx(library.corpus_score(ANSWERS, streams).score)
    assert scores["BLEU"].interval.low <= scores["BLEU"].value <= scores["BLEU"].interval.high
    assert "tok:13a" in measures.signature


def test_a_share_of_nothing_has_an_interval_too():
    measures = CaptionMeasures("exact")
    found = measures.scores(measures.sums(["a one"] * 30, [("a two",)] * 30))[0]
    assert found.interval.low == 0 == found.value and 0.05 < found.interval.high < 0.2


def test_as_many_answers_as_images_are_needed():
    for answers, references in ((ANSWERS[:1], REFERENCES), ([], [])):
        with pytest.raises(InputError, match="expected an answer for each"):
            CaptionMeasures("exact").sums(answers, references)


def test_what_is_scored_by_follows_the_captions():
    assert measure_of("auto", [("a b",)], [("a b", "c d"), ("e f",)])[0] == "exact"
    assert measure_of("auto", [("a b",)], [("c d",), ("e f",), ("a b",)])[0] == "bleu"
    assert measure_of("exact", [("a b",)], [("c d",)]) == (
        "exact",
        "captions are scored by the share exactly right, as asked",
    )
    assert measure_of("auto", [("a b",)], [])[0] == "bleu"


def test_baselines_say_the_commonest_and_the_nearest():
    vectors = Packed.from_list([np.full((1, 2), n, dtype=np.float32) for n in (0, 1, 9)])
    asked = Packed.from_list([np.full((1, 2), n, dtype=np.float32) for n in (8, 0.2)])
    captions = [("low", "small"), ("low",), ("high",)]
    measures = CaptionMeasures("exact")
    found = run_caption_baselines(vectors, captions, asked, [("high",), ("small",)], measures)
    assert [result.prediction.tolist() for result, _ in found] == [["low", "low"], ["high", "low"]]
    assert [result.scores[0].value for result, _ in found] == [0.0, 0.5]
    assert all(len(sums) == 2 for _, sums in found)


def test_defaults_bring_an_image_down_to_a_few_regions():
    for side in (10, 28, 56, 224):
        channels = default_caption_settings(5_000, (side, side, 1)).network.image_channels
        assert 4 <= side / 2 ** len(channels) <= 10
    assert default_caption_settings(100, None).training.epochs == 60


def test_all_right_is_not_taken_for_certain():
    measures = CaptionMeasures("exact")
    sums = measures.sums(["a"] * 20, [("a",)] * 20)
    interval = measures.scores(sums)[0].interval
    assert interval.low < 0.9 and interval.high == 1.0
