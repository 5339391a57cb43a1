"""Several trainings on data that were prepared once."""

import numpy as np
import torch

from recurra.runs.fitting import carry_out
from recurra.runs.sequences.config import SequenceFitOptions
from recurra.runs.sequences.fit import SequenceFitting, fit
from recurra.statistics.repeated import RepeatedScores
from tests.runs.conftest import QUICK, examples_of, sentences


def made(rows=120, **options):
    examples, schema = examples_of(sentences(rows), text="text", target="label")
    asked = SequenceFitOptions(settings=QUICK | {"training.epochs": 2}, validation=0.2, **options)
    return examples, schema, asked


def test_a_training_on_prepared_data_is_the_one_that_its_options_describe():
    examples, schema, asked = made(seed=3, baselines=False)
    fitting = SequenceFitting(examples, schema, asked, None)
    fitting.prepare(None, lambda event: None)
    again = fitting.again({"network.cell": "gru"}, seed=5)
    run = carry_out(again, prepared=True)
    assert (run.config.options.seed, run.config.options.split_seed) == (5, 3)
    alone = fit(examples, schema, run.config.options)
    assert alone.config.fingerprint == run.config.fingerprint
    for ours, theirs in zip(run.network.parameters(), alone.network.parameters(), strict=True):
        assert torch.equal(ours, theirs)


def test_another_seed_keeps_the_parts_and_changes_order_and_weights():
    examples, schema, asked = made()
    fitting = SequenceFitting(examples, schema, asked, None)
    fitting.prepare(None, lambda event: None)
    one, other = fitting.again({}, 1), fitting.again({}, 2)
    assert one.prepared is other.prepared
    first, second = ([b.index.tolist() for b in each.training.epoch(0)] for each in (one, other))
    assert first != second
    weights = [next(each.network(None, lambda e: None, anew=True).parameters()) for each in (one, other)]
    assert not torch.equal(*weights)
    assert fitting.options.seed == 0  # the first one stays as it was


def test_contributions_add_up_to_the_headline_scores():
    examples, schema, asked = made()
    fitting = SequenceFitting(examples, schema, asked, None)
    run = carry_out(fitting)
    baselines = fitting.of_baselines()
    columns = [fitting.contributions[None], *(sums[None] for _, sums in baselines)]
    scores = RepeatedScores(fitting.measure(), columns, [True] + [False] * len(baselines))
    headline = run.metrics["test"]["scores"][0]
    assert fitting.measure().name == headline["name"]
    assert np.isclose(scores.mean(0), headline["value"])
    for k, (result, _) in enumerate(baselines, start=1):
        assert np.isclose(scores.mean(k), result.scores[0].value)
