"""The rules of the recommendation, on made-up scores."""

import re

import numpy as np
import pytest

from recurra.comparison.judgement import Entry, judge
from recurra.comparison.recommendation import NEAR_POINTS, recommend
from recurra.comparison.summary import still_improving
from recurra.statistics.blocks import Blocks
from recurra.statistics.repeated import Measure


def mean(sums):
    return sums[..., 0] / sums[..., 1]


ACCURACY = Measure("accuracy", mean, higher_is_better=True, share=True)
ERROR = Measure("MASE", mean, higher_is_better=False)


def entry(name, share, *, seeds=3, n=2000, train_s=10.0, network=True, seed=0):
    """Right answers with this probability; the easy examples are the same for all."""
    hard = np.random.default_rng(99).random(n)
    own = np.random.default_rng([seed, sum(map(ord, name))]).random((seeds, n))
    right = 0.9 * hard + 0.1 * own < share
    return Entry(name, network, np.stack([right, np.ones((seeds, n))], axis=2).astype(float), train_s)


def baseline(name, share, **given):
    return entry(name, share, seeds=1, network=False, **given)


def test_a_clear_winner_is_taken_with_its_lead():
    found = recommend(
        judge(ACCURACY, [entry("lstm", 0.9), entry("gru", 0.8), entry("rnn", 0.7), baseline("linear", 0.6)])
    )
    assert (found.take, found.tied, found.rule) == ("lstm", (), 1)
    assert "LSTM: accuracy" in found.reason
    assert "better than every other network" in found.reason
    assert "RNN loses" in found.reason
    assert "points than linear" in found.reason
    assert "the lead over GRU" in found.doubt


def test_of_equals_the_quicker_is_taken_and_the_tie_is_called_one():
    entries = [
        entry("lstm", 0.861, train_s=20),
        entry("gru", 0.86, train_s=10),
        entry("rnn", 0.7),
        baseline("always", 0.5),
    ]
    found = recommend(judge(ACCURACY, entries))
    assert (found.take, found.tied, found.rule) == ("gru", ("lstm",), 3)
    assert "not told apart from LSTM" in found.reason
    assert re.search(
        r"2\.0 times faster to train than LSTM, which is between 0\.\d points worse and 0\.\d better",
        found.reason,
    )
    assert "cannot tell from chance" in found.doubt
    assert "seeds" in found.doubt


def test_a_steady_network_that_beats_the_baseline_is_taken_before_a_better_one_that_may_not():
    """The best mean of seeds that wander is a tie with the baseline; another network is as good, and surely better."""
    wandering = np.concatenate(
        [entry("gru", share, seeds=1).contributions for share in (0.82, 0.85, 0.88)], axis=0
    )
    entries = [
        Entry("gru", True, wandering, 10.0),
        entry("lstm", 0.845, train_s=20.0),
        baseline("linear", 0.82, train_s=1.0),
    ]
    judgement = judge(ACCURACY, entries)
    assert judgement.rows[0].name == "gru" and not judgement.pair("gru", "linear").differs
    found = recommend(judgement)
    assert (found.take, found.tied, found.rule) == ("lstm", ("gru",), 3)
    assert "points than linear, which takes 1.0 s to train instead of 20.0 s" in found.reason
    said = "but is not surely better than linear, and only a network that is may be taken."
    assert "GRU has the better mean, by" in found.reason and found.reason.endswith(said)
    assert "its accuracy minus that of GRU" in found.doubt


def test_who_seems_to_be_better_than_the_quicker_one_that_is_taken_gains():
    """Of equals the quicker is taken, its mean may be the lower one."""
    same = entry("gru", 0.86, seeds=1, n=20000).contributions[0]
    wandering = np.concatenate(
        [entry("lstm", share, seeds=1, n=20000).contributions for share in (0.861, 0.8635, 0.8655)], axis=0
    )
    entries = [
        Entry(name, True, np.stack([same] * 3), 5.0 + k) for k, name in enumerate(("gru", "rnn", "mingru"))
    ]
    judgement = judge(ACCURACY, [*entries, Entry("lstm", True, wandering, 20.0), baseline("a", 0.5, n=20000)])
    pair = judgement.pair("lstm", "gru")
    assert pair.interval.low > 0 and pair.interval.high < NEAR_POINTS and not pair.differs
    found = recommend(judgement)
    assert (found.take, found.tied, found.doubtful) == ("gru", ("rnn", "mingru"), ("lstm",))
    assert "LSTM seems to gain" in found.reason and "better than every" not in found.reason


def test_a_network_that_wandered_is_not_called_as_good():
    """Its seeds wander too much to tell it apart from the others for sure, but it seems to be worse."""
    wandering = np.concatenate(
        [entry("transformer", share, seeds=1).contributions for share in (0.5, 0.55, 0.72)], axis=0
    )
    entries = [entry("lstm", 0.86), Entry("transformer", True, wandering, 10.0)]
    entries += [entry(name, 0.86, seed=k) for k, name in enumerate(("gru", "rnn", "mingru"), 1)]
    found = recommend(judge(ACCURACY, [*entries, baseline("always", 0.5)]))
    assert found.unsteady == ("transformer",) and found.doubtful == ()
    assert "the seeds of transformer are too far apart to tell" in found.reason
    assert "transformer" not in found.reason.split("not told apart from")[1].split(";")[0]


def wandering(name, shares, train_s):
    each = [entry(name, share, seeds=1, n=500).contributions for share in shares]
    return Entry(name, True, np.concatenate(each), train_s)


def test_a_quick_network_that_may_be_much_worse_is_not_taken():
    """What is not told apart is not as good: speed decides only where little can be lost."""
    entries = [
        wandering("gru", (0.95, 0.951, 0.948), 20.0),
        wandering("lstm", (0.94, 0.943, 0.941), 20.0),
        wandering("rnn", (0.93, 0.84, 0.90), 5.0),
    ]
    found = recommend(judge(ACCURACY, [*entries, baseline("always", 0.5, n=500)]))
    assert found.take == "gru" and "rnn" in (*found.tied, *found.doubtful, *found.unsteady)
    entries[2] = wandering("rnn", (0.93, 0.92, 0.935), 5.0)
    found = recommend(judge(ACCURACY, [*entries, baseline("always", 0.5, n=500)]))
    assert found.take == "gru"


def test_a_leader_whose_seeds_wander_is_passed_over_for_a_steady_network():
    entries = [
        wandering("gru", (0.97, 0.85, 0.97), 5.0),
        wandering("lstm", (0.91, 0.912, 0.909), 20.0),
        wandering("rnn", (0.90, 0.902, 0.898), 20.0),
    ]
    judgement = judge(ACCURACY, [*entries, baseline("always", 0.1, n=500)])
    assert judgement.rows[0].name == "gru" and not judgement.pair("gru", "lstm").differs
    found = recommend(judgement)
    assert (found.take, found.unsteady) == ("lstm", ("gru",))
    assert found.reason.endswith("; GRU has the better mean, but its seeds are too far apart to tell.")


def test_seeds_that_would_show_a_difference_are_more_than_there_were():
    for seed in range(40):
        entries = [entry("lstm", 0.86, n=400, seed=seed), wandering("gru", (0.84, 0.85, 0.855), 9.0)]
        entries[1] = Entry("gru", True, entries[1].contributions[:, :400], 9.0)
        found = recommend(judge(ACCURACY, entries))
        assert not re.search(r"would take about [123] seeds", found.doubt)


def test_of_equals_that_are_as_quick_the_leader_is_taken():
    judgement = judge(ACCURACY, [entry("lstm", 0.861, train_s=10), entry("gru", 0.86, train_s=9.5)])
    leader = judgement.rows[0].name
    assert recommend(judgement).take == leader


def test_a_baseline_that_wins_or_ties_is_taken():
    networks = [entry("lstm", 0.8, train_s=60), entry("gru", 0.79, train_s=50)]
    found = recommend(judge(ACCURACY, [*networks, baseline("linear", 0.9, train_s=1)]))
    assert (found.take, found.rule) == ("linear", 2)
    assert "it beats the best network, LSTM (" in found.reason
    assert "), and takes 1.0 s to train instead of 60.0 s; it beats" in found.reason
    wandering = np.concatenate([entry("gru", each, seeds=1).contributions for each in (0.4, 0.6, 0.85)])
    found = recommend(judge(ACCURACY, [Entry("gru", True, wandering, 9.0), baseline("linear", 0.9)]))
    assert (found.take, found.unsteady) == ("linear", ("gru",)) and "too far apart to tell" in found.reason
    found = recommend(judge(ACCURACY, [*networks, baseline("linear", 0.801, train_s=100)]))
    assert (found.take, found.rule) == ("linear", 2)
    assert "no network is surely better: the best, LSTM (" in found.reason
    assert re.search(r"is between \d\.\d points worse and \d\.\d better", found.reason)
    assert "instead of" not in found.reason  # it takes longer


@pytest.mark.parametrize("seeds", [1, 2])
def test_too_few_seeds_tell_nothing_and_it_is_said_how_many_are_needed(seeds):
    found = recommend(judge(ACCURACY, [entry("lstm", 0.9, seeds=seeds), entry("gru", 0.5, seeds=seeds)]))
    assert (found.take, found.rule) == ("lstm", 4)
    assert "--seeds 3" in found.doubt


def test_a_test_part_too_short_for_an_interval_tells_nothing():
    blocks = Blocks(np.arange(20), 20, 15)
    measure = Measure("MASE", mean, higher_is_better=False, blocks=blocks)
    found = recommend(judge(measure, [entry("lstm", 0.2, n=20), entry("gru", 0.9, n=20)]))
    assert (found.take, found.rule) == ("lstm", 4)
    assert "longer test part" in found.doubt


def test_where_less_is_better_the_least_wins():
    found = recommend(judge(ERROR, [entry("lstm", 0.3), entry("gru", 0.5), baseline("naive", 0.9)]))
    assert found.take == "lstm"
    assert "GRU loses 0.2" in found.reason


def test_networks_that_were_still_improving_are_named_in_the_doubt():
    judgement = judge(ACCURACY, [entry("lstm", 0.9), entry("gru", 0.8), entry("rnn", 0.7)])
    plain = recommend(judgement)
    found = recommend(judgement, ["rnn"], "--budget 20m")
    assert (found.take, found.reason) == (plain.take, plain.reason)
    assert found.doubt.startswith(plain.doubt.removesuffix("."))
    assert found.doubt.endswith(
        "; and RNN was still improving when training ended: train longer (--budget 20m) before ruling it out."
    )
    several = recommend(judgement, ["rnn", "gru"], "--budget 20m").doubt
    assert "GRU and RNN were still improving" in several
    assert several.endswith("before ruling them out.")
    assert recommend(judgement, ["lstm"], "--budget 20m").doubt.endswith("train longer (--budget 20m).")


def test_still_improving_is_told_from_the_ends_of_curves():
    def record(*losses, stopped="finished", best=None):
        curve = [{"validation": {"loss": loss}} for loss in losses]
        return {"stopped": stopped, "best_epoch": best or len(losses), "curve": curve}

    falling, flat = record(1.0, 0.9, 0.8, 0.7), record(1.0, 0.7, 0.601, 0.6)
    assert still_improving([falling, falling, flat])
    assert not still_improving([falling, flat, flat])
    assert not still_improving([record(1.0, 0.7, 0.8, best=2)])
    assert not still_improving([record(1.0, 0.5, stopped="early")])
    assert still_improving([record(1.0)])
    assert not still_improving([{"stopped": "finished", "best_epoch": 1, "curve": [{"validation": {}}]}])


def test_pairs_are_every_two_networks_and_each_with_the_best_baseline():
    judgement = judge(
        ACCURACY,
        [entry("lstm", 0.9), entry("gru", 0.8), baseline("always", 0.5), baseline("linear", 0.7)],
    )
    assert {(p.a, p.b) for p in judgement.pairs} == {("lstm", "gru"), ("lstm", "linear"), ("gru", "linear")}
    one, turned = judgement.pair("lstm", "gru"), judgement.pair("gru", "lstm")
    assert one.difference == -turned.difference > 0
    assert turned.difference in turned.interval
    assert judgement.pair("lstm", "always") is None
    assert all(p.corrected >= p.p_value for p in judgement.pairs)
