"""Runs that answer at every step: the step and the column that the last answer comes from are found."""

import numpy as np
import pytest

import recurra
from recurra.errors import DataError, InputError
from recurra.explanation import explain

SMALL = {
    "network.hidden_size": 12,
    "network.dropout": 0.0,
    "training.epochs": 20,
    "training.learning_rate": 0.02,
    "training.threads": 1,
    "training.precision": "float32",
}


def sequences(draw, count):
    return [draw.normal(size=(int(draw.integers(6, 10)), 3)).astype(np.float32) for _ in range(count)]


@pytest.fixture(scope="module", params=["classes", "number"])
def delayed(request):
    """The target of a step is the second of three columns, a step ago."""
    draw = np.random.default_rng(0)
    X = sequences(draw, 150)
    before = [np.concatenate([[0.0], x[:-1, 1]]) for x in X]
    y = [np.where(b > 0, "up", "down") for b in before] if request.param == "classes" else before
    return recurra.SequenceTagger(cell="gru", settings=SMALL).fit(X, y).run_, sequences(draw, 4)


def test_the_step_and_column_that_decide_are_found_by_both_ways(delayed):
    run, X = delayed
    for x in X:
        (example,) = explain(run, x).examples
        for values in (example.attribution.occlusion, example.attribution.integrated):
            strongest = np.unravel_index(np.argmax(np.abs(np.array(values))), (len(x), 3))
            assert strongest == (len(x) - 2, 1)
        assert example.attribution.complete


def test_its_course_is_what_the_run_says_at_each_step(delayed):
    run, X = delayed
    (example,) = explain(run, X[0]).examples
    course = example.course
    assert course.before is None and len(course.values) == len(X[0]) == len(course.says)
    (labels,) = run.predict([X[0]])
    if course.share:
        (shares,) = run.predict_proba([X[0]])
        assert course.values == pytest.approx(shares[:, run.classes.index(labels[-1])], abs=1e-5)
        assert course.says == labels.tolist()
    else:
        assert course.values == pytest.approx(labels, rel=1e-4, abs=1e-5)
    assert all(len(gate.values) == len(X[0]) for gate in example.gates) and example.gates


def test_a_text_and_a_class_that_is_none_are_refused(delayed):
    run, X = delayed
    with pytest.raises(DataError, match="this run reads numeric sequences, found a text"):
        explain(run, "up and down")
    with pytest.raises(InputError, match=r"--of: (there is no class 'left'|this run answers a number)"):
        explain(run, X[0], of="left")
