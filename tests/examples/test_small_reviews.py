import re

import pytest


@pytest.fixture
def small_reviews(example):
    return example("small_reviews")


def test_reviews_are_different_balanced_and_of_their_seed(small_reviews):
    texts, labels = small_reviews.write_reviews(600, seed=3, longest=3)
    assert len(set(texts)) == 600
    assert sum(labels) == 300
    assert (texts, labels) == small_reviews.write_reviews(600, seed=3, longest=3)
    assert texts != small_reviews.write_reviews(600, seed=4, longest=3)[0]
    assert {text.count(" . ") for text in texts} == {0, 1, 2}


def test_labels_follow_from_the_main_clause_and_its_negation(small_reviews):
    def praises(clause: str) -> bool:
        found = re.fullmatch(r"the \w+ was (?:(not|never|hardly|anything but) |\w+ )?(\w+)", clause)
        assert found, clause
        return (found[2] in small_reviews.GOOD) != bool(found[1])

    def main_clause(sentence: str) -> str:
        if sentence.startswith("although "):
            return sentence.split(" , ")[1]
        return re.sub(r"^.* , but | , even if .*$", "", sentence)

    for text, label in zip(*small_reviews.write_reviews(600, seed=0, longest=3), strict=True):
        assert {praises(main_clause(sentence)) for sentence in text.split(" . ")} == {bool(label)}, text
