"""From examples to a run, for every kind of target; budgets; starting from other weights; nothing lost on the way."""

import json
import shutil

import numpy as np
import pytest
import torch

from recurra.data.schema import SchemaOptions, infer_schema, to_examples
from recurra.data.sources import read
from recurra.errors import DataError, InputError, RunError, StorageError
from recurra.report.writing import write_page
from recurra.runs import fitting as fit_module
from recurra.runs.config import read_config, write_config
from recurra.runs.events import Said
from recurra.runs.loading import load
from recurra.runs.sequences import fit as sequences_fit
from recurra.runs.sequences.config import SequenceFitOptions, SequenceRunConfig
from recurra.runs.sequences.fit import fit
from recurra.training.checkpoint import Checkpoint, read_checkpoint, write_checkpoint
from tests.runs.conftest import QUICK, examples_of, sentences, waves


def quick(**changes):
    settings = QUICK | {name.replace("__", "."): value for name, value in changes.pop("settings", {}).items()}
    return SequenceFitOptions(settings=settings, **{"validation": 0.1, **changes})


def test_a_regression_of_numeric_sequences(tmp_path):
    sequences, targets = waves(120)
    rows = {
        "a": [s[:, 0].tolist() for s in sequences],
        "b": [s[:, 1].tolist() for s in sequences],
        "y": targets.tolist(),
    }
    table = read(rows)
    schema = infer_schema(table, SchemaOptions(target="y"))
    examples, _ = to_examples(table, schema)
    assert schema.target_kind == "real"
    options = quick(settings={"training__epochs": 25, "training__learning_rate": 0.01})
    run = fit(examples, schema, options, out=tmp_path / "run")
    test = {score["name"]: score["value"] for score in run.metrics["test"]["scores"]}
    assert test["R²"] > 0.7
    assert [b["scores"][0]["name"] for b in run.metrics["baselines"]] == ["RMSE"] * len(
        run.metrics["baselines"]
    )
    assert np.array_equal(load(tmp_path / "run").predict(sequences), run.predict(sequences))


def test_several_labels():
    draw = np.random.default_rng(0)
    rows = []
    for _ in range(150):
        there = draw.random(3) < 0.5
        words = [w for w, t in zip(("red", "green", "blue"), there, strict=True) if t] + ["and", "so"]
        rows.append(
            {
                "text": " ".join(draw.permutation(words)),
                "red": int(there[0]),
                "green": int(there[1]),
                "blue": int(there[2]),
            }
        )
    examples, schema = examples_of(rows, text="text", target=["red", "green", "blue"])
    assert schema.target_kind == "multilabel"
    learn = {
        "training__epochs": 40,
        "training__learning_rate": 0.02,
        "network__word_dropout": 0.0,
        "network__dropout": 0.0,
    }
    run = fit(examples, schema, quick(settings=learn | {"task__threshold": "f1"}))
    assert run.metrics["test"]["scores"][0]["name"] == "micro F1"
    assert run.metrics["test"]["scores"][0]["value"] > 0.8  # guessing gets 0.5
    assert run.predict(["red and blue so"]).tolist() == [[True, False, True]]


def test_rare_classes_weigh_more_when_asked():
    rows = sentences(160)
    rows = [row for n, row in enumerate(rows) if row["label"] == "bad" or n % 8 == 1]
    examples, schema = examples_of(rows, text="text", target="label")
    learn = {"training__epochs": 6, "training__learning_rate": 0.01}
    plain = fit(examples, schema, quick(baselines=False, settings=learn))
    weighted = fit(
        examples, schema, quick(baselines=False, settings=learn | {"task__class_weight": "balanced"})
    )
    texts = [row["text"] for row in rows]
    assert weighted.predict_proba(texts)[:, 1].mean() > plain.predict_proba(texts)[:, 1].mean() + 0.05


def test_a_threshold_is_chosen_on_the_validation_part():
    examples, schema = examples_of(sentences(120), text="text", target="label")
    run = fit(examples, schema, quick(baselines=False, settings={"task__threshold": "f1"}))
    threshold = run.config.decision.threshold
    assert 0 < threshold < 1
    p = run.predict_proba(examples)[:, 1]
    assert ((p >= threshold) == (run.predict(examples) == "good")).all()


def test_every_observer_event_is_told_and_the_verdict_is_a_sentence():
    examples, schema = examples_of(sentences(120), text="text", target="label")
    events = []
    run = fit(examples, schema, quick(), observer=events.append)
    assert {type(event).__name__ for event in events} == {
        "PhaseStarted",
        "Said",
        "StepDone",
        "EpochRecord",
        "Measured",
    }
    assert run.metrics["verdict"].endswith(".")
    assert any(isinstance(e, Said) and "TF-IDF" in e.text for e in events)


def test_a_budget_becomes_steps_once_and_resuming_keeps_them(tmp_path, monkeypatch):
    examples, schema = examples_of(sentences(120), text="text", target="label")
    options = quick(budget_s=60.0, baselines=False)
    monkeypatch.setattr(fit_module, "steps_within", lambda *_, **__: 4)
    fit(examples, schema, options, out=tmp_path / "run")
    assert json.loads((tmp_path / "run" / "config.json").read_text())["total_steps"] == 4
    monkeypatch.setattr(fit_module, "steps_within", lambda *_, **__: pytest.fail("measured again"))
    again = fit(examples, schema, options, out=tmp_path / "run", resume=True)
    assert again.metrics["training"]["steps"] == 4


def test_resuming_on_other_data_is_refused(tmp_path):
    examples, schema = examples_of(sentences(120), text="text", target="label")
    fit(examples, schema, quick(baselines=False), out=tmp_path / "run")
    other, _ = examples_of(sentences(120, seed=9), text="text", target="label")
    with pytest.raises(RunError, match="the data is not the data"):
        fit(other, schema, quick(baselines=False), out=tmp_path / "run", resume=True)


def test_starting_from_another_run_takes_its_weights_and_encoders(text_run, tmp_path):
    folder = text_run.save(tmp_path / "first")
    examples, schema = examples_of(sentences(60, seed=4), text="text", target="label")
    said = []
    options = quick(init=str(folder), baselines=False, settings={"training__learning_rate": 1e-12})
    run = fit(
        examples, schema, options, observer=lambda e: said.append(e.text) if isinstance(e, Said) else None
    )
    texts = [row["text"] for row in sentences(20, seed=6)]
    assert any("starting from" in text for text in said)
    assert np.allclose(
        run.outputs(examples_of_texts(texts)), text_run.outputs(examples_of_texts(texts)), atol=1e-5
    )


def test_the_outputs_begin_anew_where_they_stand_for_other_classes(text_run, tmp_path):
    folder = text_run.save(tmp_path / "first")
    rows = [row | {"label": {"good": "angry", "bad": "glad"}[row["label"]]} for row in sentences(60, seed=4)]
    examples, schema = examples_of(rows, text="text", target="label")
    said = []
    options = quick(init=str(folder), baselines=False, settings={"training__learning_rate": 1e-12})
    run = fit(
        examples, schema, options, observer=lambda e: said.append(e.text) if isinstance(e, Said) else None
    )
    own, given = run.network.state_dict(), text_run.network.state_dict()
    begun = {name for name in own if not torch.allclose(own[name], given[name], atol=1e-6)}
    assert begun == {"head.1.weight", "head.1.bias"}
    assert any("new: head.1.weight, head.1.bias, for the classes are others" in text for text in said)


def examples_of_texts(texts):
    from recurra.data.schema import examples_from_arrays

    return examples_from_arrays(texts)


def test_a_run_of_numbers_cannot_start_from_one_of_texts(text_run, tmp_path):
    folder = text_run.save(tmp_path / "first")
    sequences, targets = waves(40)
    table = read({"a": [s[:, 0].tolist() for s in sequences], "y": targets.tolist()})
    schema = infer_schema(table, SchemaOptions(target="y"))
    examples, _ = to_examples(table, schema)
    with pytest.raises(InputError, match="--init"):
        fit(examples, schema, quick(init=str(folder)))


def test_a_full_disk_is_told_and_the_run_can_go_on(tmp_path, monkeypatch):
    import errno
    import os

    examples, schema = examples_of(sentences(120), text="text", target="label")
    options = quick(baselines=False)
    whole = fit(examples, schema, options, out=tmp_path / "whole")

    def full(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    def fill_at_the_end(event):
        if getattr(event, "name", "") == "Scoring":
            monkeypatch.setattr(os, "fsync", full)

    with pytest.raises(StorageError, match="no space left"):
        fit(examples, schema, options, out=tmp_path / "run", observer=fill_at_the_end)
    monkeypatch.undo()
    again = fit(examples, schema, options, out=tmp_path / "run", resume=True)
    assert (tmp_path / "run" / "model.safetensors").read_bytes() == (
        tmp_path / "whole" / "model.safetensors"
    ).read_bytes()
    assert again.metrics["test"] == whole.metrics["test"]


def test_no_examples_to_predict_give_no_answers(text_run):
    none = examples_of_texts(["w1"]).take(np.array([], dtype=np.int64))
    assert text_run.predict(none).shape == (0,)
    assert text_run.predict_proba(none).shape == (0, 2)


def test_a_kill_before_the_first_checkpoint_was_whole_changes_nothing(tmp_path):
    examples, schema = examples_of(sentences(60), text="text", target="label")
    whole = fit(examples, schema, quick(baselines=False), out=tmp_path / "whole")
    begun = tmp_path / "begun"
    shutil.copytree(tmp_path / "whole", begun)
    for name in ("model.safetensors", "metrics.json", "tokenizer.json", "checkpoint/state.safetensors"):
        (begun / name).unlink()
    config = read_config(begun, SequenceRunConfig).model_copy(
        update={"status": "training", "files": {}, "decision": None}
    )
    write_config(begun, config)
    resumed = fit(examples, schema, quick(baselines=False), out=begun, resume=True)
    for name, tensor in whole.network.state_dict().items():
        assert torch.equal(tensor, resumed.network.state_dict()[name]), name


@pytest.mark.parametrize("damage", ["progress", "random", "shape", "surplus"])
def test_a_checkpoint_that_does_not_fit_is_told(tmp_path, damage):
    examples, schema = examples_of(sentences(60), text="text", target="label")
    fit(examples, schema, quick(baselines=False), out=tmp_path / "run")
    folder = tmp_path / "run" / "checkpoint"
    checkpoint = read_checkpoint(folder)
    tensors, progress = dict(checkpoint.tensors), dict(checkpoint.progress)
    if damage == "progress":
        progress = {"speed": 1}
    elif damage == "random":
        del tensors["random.cpu"]
    elif damage == "shape":
        tensors["network.head.1.bias"] = torch.zeros(7)
    else:
        progress["speed"] = 1
    write_checkpoint(folder, Checkpoint(tensors, progress))
    with pytest.raises(RunError, match=r"the checkpoint (is broken|does not fit this training)"):
        fit(examples, schema, quick(baselines=False), out=tmp_path / "run", resume=True)


def test_every_part_of_a_fit_runs_with_the_threads_that_were_asked_for(monkeypatch):
    seen = {}

    def spy_on(name):
        module = sequences_fit if name == "score_run" else fit_module
        wrapped = getattr(module, name)

        def spy(*given, **options):
            seen[name] = torch.get_num_threads()
            return wrapped(*given, **options)

        monkeypatch.setattr(module, name, spy)

    for name in ("_plan", "train", "score_run"):
        spy_on(name)
    examples, schema = examples_of(sentences(60), text="text", target="label")
    asked = torch.get_num_threads() + 1
    fit(examples, schema, quick(baselines=False, settings={"training__threads": asked}))
    assert seen == {"_plan": asked, "train": asked, "score_run": asked}
    assert torch.get_num_threads() == asked - 1


def test_a_resumed_training_has_the_threads_and_the_precision_that_it_began_with(tmp_path, monkeypatch):
    examples, schema = examples_of(sentences(60), text="text", target="label")
    options = quick(baselines=False)
    begun = fit(examples, schema, options, out=tmp_path / "run").config.settings.training
    seen = []

    def spy(network, *given, **named):
        seen.append((torch.get_num_threads(), given[3]))
        return train(network, *given, **named)

    train = fit_module.train
    monkeypatch.setattr(fit_module, "train", spy)
    monkeypatch.setattr("recurra.training.device.resolve_precision", lambda *_: "bfloat16")
    torch.set_num_threads(begun.threads + 1)
    try:
        again = fit(examples, schema, options, out=tmp_path / "run", resume=True)
    finally:
        torch.set_num_threads(begun.threads)
    assert seen == [(begun.threads, begun)]
    assert again.config.settings.training == begun
    assert again.metrics["training"]["reproducible"]


def test_a_training_whose_gpu_is_gone_goes_on_and_says_so(tmp_path, monkeypatch):
    examples, schema = examples_of(sentences(60), text="text", target="label")
    options, out = quick(baselines=False), tmp_path / "run"
    fit(examples, schema, options, out=out)
    content = json.loads((out / "config.json").read_text())
    content["settings"]["training"]["device"] = "cuda"
    (out / "config.json").write_text(json.dumps(content))
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    said = []
    for _ in range(2):  # what is resumed once more is no more reproducible for it
        again = fit(examples, schema, options, out=out, resume=True, observer=said.append)
        assert again.config.settings.training.device == "cpu"
        assert not again.metrics["training"]["reproducible"]
    assert [told.kind for told in load(out).config.told if "began on a GPU" in told.text] == ["warning"]
    assert "it began on a GPU" in write_page(out).read_text()
    assert sum("began on a GPU" in getattr(event, "text", "") for event in said) == 1


def rows_of_people(people, part=None):
    return [
        row | {"person": person} | ({"split": part} if part else {})
        for row, person in zip(sentences(len(people)), people, strict=True)
    ]


def test_a_group_on_two_sides_of_given_parts_is_refused():
    rows = rows_of_people(["ann", "bob"] * 20, "train") + rows_of_people(["bob", "cyd"] * 10, "test")
    examples, schema = examples_of(rows, text="text", target="label", group="person", split="split")
    with pytest.raises(DataError, match="1 groups stand in the train part and in the test part: bob"):
        fit(examples, schema, quick(baselines=False, validation=0))
    train, _ = examples_of(rows_of_people(["ann", "bob"] * 20), text="text", target="label", group="person")
    test, _ = examples_of(rows_of_people(["bob", "cyd"] * 10), text="text", target="label", group="person")
    with pytest.raises(DataError, match="--group: 1 groups"):
        fit(train, schema, quick(baselines=False, validation=0), test=test)


def test_a_class_that_only_the_test_part_knows_is_counted_and_told():
    rows = [row | {"split": "train" if n < 80 else "test"} for n, row in enumerate(sentences(100))]
    rows[90]["label"] = "new"
    examples, schema = examples_of(rows, text="text", target="label", split="split")
    said = []
    run = fit(examples, schema, quick(), observer=lambda e: said.append(getattr(e, "text", "")))
    assert run.metrics["test"]["n"] == 19
    assert any("does not occur in the training part (in the test part): row 91" in text for text in said)


def test_a_class_that_only_the_validation_part_knows_is_told_and_kept_from_baselines():
    parts = ["train", "train", "train", "validation", "test"]
    rows = [row | {"split": parts[n % 5]} for n, row in enumerate(sentences(100))]
    rows[93]["label"] = "new"
    examples, schema = examples_of(rows, text="text", target="label", split="split")
    said = []
    run = fit(examples, schema, quick(), observer=lambda e: said.append(getattr(e, "text", "")))
    assert run.metrics["baselines"]
    assert [text for text in said if "does not occur in the training part" in text] == [
        "1 row is not used, a class that does not occur in the training part (in the validation part): row 94"
    ]


def test_resuming_with_another_test_part_is_refused(tmp_path):
    examples, schema = examples_of(sentences(60), text="text", target="label")
    tests = [examples_of(sentences(20, seed=seed), text="text", target="label")[0] for seed in (7, 8)]
    fit(examples, schema, quick(baselines=False), test=tests[0], out=tmp_path / "run")
    with pytest.raises(RunError, match="not the data that this training began with"):
        fit(examples, schema, quick(baselines=False), test=tests[1], out=tmp_path / "run", resume=True)


def test_what_is_taken_from_another_run_is_not_its_machine(text_run, tmp_path):
    folder = text_run.save(tmp_path / "first")
    config = read_config(folder, SequenceRunConfig)
    training = config.settings.training.model_copy(update={"device": "cuda", "threads": 7})
    settings = config.settings.model_copy(update={"training": training})
    write_config(folder, config.model_copy(update={"settings": settings}))
    examples, schema = examples_of(sentences(60, seed=3), text="text", target="label")
    monitored = torch.get_num_threads()
    run = fit(examples, schema, quick(baselines=False, init=str(folder)))
    assert run.config.settings.training.device == ("cuda" if torch.cuda.is_available() else "cpu")
    assert run.config.settings.training.threads == monitored
    with pytest.raises(InputError, match=r"text\.level cannot be set"):
        fit(examples, schema, quick(init=str(folder), settings={"text.level": "character"}))


def test_a_table_of_names_has_a_baseline():
    draw = np.random.default_rng(0)
    letters = np.array(list("abcdefghijklmnopqrstuvwxyz"))
    names = {"".join(draw.choice(letters, 9)) for _ in range(1300)}
    rows = [{"name": name, "label": "vowel" if name[-1] in "aeiou" else "none"} for name in sorted(names)]
    examples, schema = examples_of(rows, text="name", target="label")
    run = fit(examples, schema, quick(settings={"training.epochs": 1}))
    assert len(run.metrics["baselines"]) == 2
