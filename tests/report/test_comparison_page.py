"""The page of a comparison, made from its summary alone."""

from __future__ import annotations

import json

import pytest

from recurra.comparison.recommendation import RULES
from recurra.errors import RunError
from recurra.networks.config import CELL_NAMES
from recurra.report.comparison_page import comparison_page, read_summary
from tests.cli.test_commands import recurra
from tests.report.tree import check, text_of, tree_of


@pytest.fixture
def summary(compared):
    return json.loads((compared / "summary.json").read_text())


def sections(page):
    return {each.get("id"): text_of(each) for each in tree_of(page).iter("section")}


def test_it_can_be_read_by_everybody_and_begins_with_what_to_take(compared, summary):
    root = tree_of((compared / "report.html").read_text())
    check(root)
    head = text_of(next(root.iter("header")))
    told = summary["recommendation"]
    assert told["reason"] in head and told["doubt"] in head
    assert "Which network? RNN" in head or "or RNN" in head or ", RNN" in head


def test_everybody_stands_in_the_table_with_the_score_of_each_seed(compared, summary):
    said = sections((compared / "report.html").read_text())["scores"]
    for row in summary["rows"]:
        assert (CELL_NAMES[row["name"]] if row["network"] else row["name"]) in said
        assert f"{100 * row['value']:.1f} %" in said
        if row["network"]:
            assert ", ".join(f"{100 * value:.1f} %" for value in row["by_seed"]) in said
    assert said.count("(to take)") == 1
    assert "over its seeds and the test examples together" in said and "Wilson's" in said


def test_the_command_is_one_that_begins_anew(summary):
    summary["command"] = "recurra compare a.csv --out b --resume"
    said = sections(comparison_page(summary))["reproduction"]
    assert "recurra compare a.csv --out b" in said and "--resume" not in said


def test_a_comparison_from_python_gives_its_call(summary):
    assert summary["call"] is None, "this one was begun by a command"
    summary["command"], summary["call"] = None, "recurra.compare('a.csv', cells=['gru'])"
    assert summary["call"] in sections(comparison_page(summary))["reproduction"]


def test_differences_say_who_is_better_or_that_it_is_a_tie(compared, summary):
    summary["pairs"] = [
        summary["pairs"][0] | {"difference": 0.1, "differs": True, "corrected": 0.01},
        summary["pairs"][1] | {"difference": -0.2, "differs": True, "corrected": 0.02},
        summary["pairs"][2] | {"differs": False, "corrected": 0.7, "seeds_needed": 40},
    ]
    names = {r["name"]: CELL_NAMES[r["name"]] if r["network"] else r["name"] for r in summary["rows"]}
    said = sections(comparison_page(summary))["differences"]
    first, second, _ = summary["pairs"]
    assert "+10.0 points" in said and f"{names[first['a']]} is better" in said
    assert "-20.0 points" in said and f"{names[second['b']]} is better" in said
    assert "a tie: not told apart" in said and "about 40 seeds would show it" in said
    summary["measure"]["higher_is_better"] = False
    assert f"{names[first['b']]} is better" in sections(comparison_page(summary))["differences"]
    summary["enough_seeds"] = False
    assert "nothing can be told" in sections(comparison_page(summary))["differences"]


def test_where_a_baseline_is_taken_no_network_is_surely_better(summary):
    told = summary["recommendation"]
    networks = [row["name"] for row in summary["rows"] if row["network"]]
    baseline = next(row for row in summary["rows"] if not row["network"])
    baseline |= {"weights": 1234, "answering_s": 0.5 * summary["measure"]["test_examples"] / 1000}
    told |= {
        "take": baseline["name"],
        "tied": networks[:1],
        "doubtful": networks[1:2],
        "unsteady": networks[2:],
    }
    told["rule"] = 2
    page = comparison_page(summary)
    head, costs = text_of(next(tree_of(page).iter("header"))), sections(page)["costs"]
    assert f"Take: {baseline['name']}; no network is surely better" in head
    assert "1,234" in costs and "0.5 ms" in costs and "answers to the test part included" in costs
    assert "(~)" in sections(page)["scores"]


def test_ties_that_look_like_differences_have_a_mark_of_their_own(summary):
    told = summary["recommendation"]
    told["take"], one, *others = (row["name"] for row in summary["rows"] if row["network"])
    told |= {"tied": others, "doubtful": [one], "rule": 3}
    page = comparison_page(summary)
    said, head = sections(page)["scores"], text_of(next(tree_of(page).iter("header")))
    assert f"{CELL_NAMES[one]} (?)" in said and "(?) seems to differ from it" in said
    assert f"{CELL_NAMES[others[0]]} (=)" in said and "cannot be told apart from it" in head
    told |= {"tied": []}
    assert "not all others are surely worse" in comparison_page(summary)


def test_who_was_still_improving_has_a_mark_and_everybody_says_how_often_the_data_were_read(summary):
    network, *others = (row for row in summary["rows"] if row["network"])
    network |= {"still_improving": True, "epochs": 0.912}
    for row in others:
        row |= {"still_improving": False, "epochs": 1.0}
    said = sections(comparison_page(summary))["scores"]
    assert "(+) was still improving" in said and said.count("(+)") == 2
    assert f"{network['weights']:,} weights; 0.912 epochs" in said
    assert f"{others[0]['weights']:,} weights; 1 epoch " in said
    network["still_improving"] = False
    assert "(+)" not in sections(comparison_page(summary))["scores"]


def test_groups_are_said_where_there_are_some(summary):
    assert "drawn again together" not in comparison_page(summary)
    summary["measure"] |= {"groups": 4, "tested": "60 test examples of 4 groups"}
    said = sections(comparison_page(summary))["scores"]
    assert "60 test examples of 4 groups" in said and "drawn again together" in said


def test_the_surest_difference_from_what_is_to_be_taken_comes_first(summary):
    take = summary["recommendation"]["take"]
    ours = [pair for pair in summary["pairs"] if take in (pair["a"], pair["b"])]
    assert len(ours) > 1
    for k, pair in enumerate(ours):
        pair |= {"corrected": 0.5 - 0.1 * k, "differs": False}
        pair["interval"] |= {"low": 0.01, "high": 0.02}
    names = {r["name"]: CELL_NAMES[r["name"]] if r["network"] else r["name"] for r in summary["rows"]}
    said = sections(comparison_page(summary))["differences"]
    rivals = [next(iter({pair["a"], pair["b"]} - {take})) for pair in ours]
    places = [said.index(f"{names[take]} minus {names[rival]}") for rival in rivals]
    assert places == sorted(places, reverse=True)
    assert places[0] < said.index("All other differences")
    assert f"seems better; not surely, as one of {len(summary['pairs'])} comparisons" in said
    assert "All rules by which one is taken" in said
    assert said.count(RULES[summary["recommendation"]["rule"] - 1]) == 2, "it stands before them, too"


def test_what_makes_the_scores_doubtful_is_said_at_the_top(summary):
    summary["warnings"] = ["10 of the 500 test inputs also stand in the training data"]
    head = text_of(next(tree_of(comparison_page(summary)).iter("header")))
    assert "Mind: 10 of the 500 test inputs" in head and "to learn from" in head


def test_too_little_data_and_networks_that_are_left_out_are_said_at_the_top(summary):
    summary["recommendation"]["rule"] = 4
    summary["left_out"] = {"tcn": "no learning rate led anywhere"}
    head = text_of(next(tree_of(comparison_page(summary)).iter("header")))
    assert "Too little to tell; the best so far is" in head and "Take:" not in head
    assert "Not compared: TCN" in head


def test_costs_curves_what_was_equal_and_the_command_are_there(compared, summary):
    said = sections((compared / "report.html").read_text())
    for row in summary["rows"]:
        if row["network"]:
            assert f"{row['weights']:,}" in said["costs"]
    assert "learning rates that were tried" in said["learning"] and said["learning"].count("(taken)") >= 3
    for sentence in summary["held_equal"]:
        assert sentence in said["equal"]
    for cell, why in summary["left_out"].items():
        assert f"Left out: {CELL_NAMES[cell]}: {why}" in said["equal"]
    assert "recurra compare" in said["reproduction"] and summary["versions"]["torch"] in said["reproduction"]


def test_without_validation_there_are_no_curves_and_unknown_ends_are_said(summary):
    for row in summary["rows"]:
        row["interval"] = row["interval"] | {"low": None, "high": None}
        for curve in row.get("curves", []):
            for epoch in curve["epochs"]:
                epoch["validation"] = {}
    for pair in summary["pairs"]:
        pair["interval"] = pair["interval"] | {"low": None, "high": None}
    said = sections(comparison_page(summary))
    assert "learning" not in said
    assert "not known" in said["scores"] and "not tested: too little data" in said["differences"]


def test_the_command_makes_it_anew_and_other_summaries_are_refused(compared, tmp_path):
    done = recurra("report", compared, "--out", tmp_path / "again.html")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "again.html").read_bytes() == (compared / "report.html").read_bytes()
    (tmp_path / "summary.json").write_text('{"digits": {}}')
    with pytest.raises(RunError, match="expected a comparison of format 1, found None"):
        read_summary(tmp_path)
    (tmp_path / "summary.json").write_text('{"kind": "comparison", "format": 1}')
    with pytest.raises(RunError, match="there is no 'call' in it"):
        read_summary(tmp_path)
