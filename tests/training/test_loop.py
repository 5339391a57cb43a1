"""The loop: what it learns, when it stops, and that a resumed training gives the same numbers."""

import os
import signal
import subprocess
import sys
import threading
import time
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from recurra.data.batches import Batch, Batches
from recurra.data.packed import Packed
from recurra.errors import RunError, StorageError, TrainingError
from recurra.training.checkpoint import FILE, Checkpoint, read_checkpoint, write_checkpoint
from recurra.training.config import TrainingConfig
from recurra.training.loop import EpochRecord, StepDone, predictions, seeded, train
from tests.tolerances import assert_close

EPOCHS, BATCH = 4, 8


class Sums(nn.Module):
    """Learns whether the sum of a sequence is positive; dropout makes the random generator matter."""

    def __init__(self):
        super().__init__()
        self.hidden = nn.Linear(2, 8)
        self.dropout = nn.Dropout(0.3)
        self.output = nn.Linear(8, 2)

    def forward(self, input, lengths):
        return self.output(self.dropout(torch.tanh(self.hidden(input.sum(1)))))


class Classes:
    def loss(self, output, target):
        return functional.cross_entropy(output, target)

    def validate(self, pairs):
        outputs, targets = (torch.cat(each) for each in zip(*pairs, strict=True))
        return {
            "loss": float(self.loss(outputs, targets)),
            "accuracy": float((outputs.argmax(1) == targets).float().mean()),
        }


def data(n, seed):
    rng = np.random.default_rng(seed)
    sequences = [rng.normal(size=(rng.integers(1, 6), 2)).astype(np.float32) for _ in range(n)]
    targets = np.array([int(s.sum() > 0) for s in sequences])
    return Batches(Packed.from_list(sequences), targets, max_batch=BATCH, seed=3)


def run(folder=None, *, resume=False, observer=lambda _: None, objective=None, **changes):
    config = TrainingConfig(**{"epochs": EPOCHS, "learning_rate": 0.02, "patience": 9, **changes})
    training, validation = data(100, 0), data(40, 1)
    torch.manual_seed(5)
    network = Sums()
    with seeded(7):
        history = train(
            network,
            objective or Classes(),
            training,
            validation,
            config,
            total_steps=config.epochs * len(training),
            checkpoint_folder=folder,
            resume=resume,
            observer=observer,
        )
    return network, history


def same(a, b):
    return all(
        torch.equal(x, y) for x, y in zip(a.state_dict().values(), b.state_dict().values(), strict=True)
    )


def without_times(history):
    return [{k: v for k, v in vars(record).items() if k != "seconds"} for record in history.records]


def test_training_learns():
    _, history = run(epochs=12)
    assert history.stopped == "finished"
    assert history.records[history.best_epoch - 1].validation["accuracy"] > 0.85
    assert history.records[-1].train_loss < history.records[0].train_loss


def test_the_network_ends_with_the_best_weights():
    network, history = run(precision="float32")
    pairs = [(output, batch.target) for batch, output in predictions(network, data(40, 1), "float32")]
    loss = Classes().validate(pairs)["loss"]
    assert loss == pytest.approx(min(r.validation["loss"] for r in history.records), rel=1e-5)


class Falling(Classes):
    """Goes by a number that is lower in every epoch, whatever the loss."""

    best_by = "number"

    def __init__(self):
        self.epochs = 0

    def validate(self, pairs):
        self.epochs += 1
        return super().validate(pairs) | {"number": -float(self.epochs)}


def test_a_task_may_go_by_another_number_than_the_loss():
    _, by_loss = run()
    _, by_number = run(objective=Falling())
    assert by_loss.best_epoch > 1 and by_number.best_epoch == 1
    assert [record.is_best for record in by_number.records] == [True] + [False] * (EPOCHS - 1)


class Equal(Classes):
    """Goes by a number that is the same in every epoch, as the F1 of spans is until the first is found."""

    best_by = "number"

    def validate(self, pairs):
        return super().validate(pairs) | {"number": 0.0}


def test_of_epochs_that_do_equally_well_the_one_with_the_lowest_loss_is_kept():
    (a, by_loss), (b, by_number) = run(), run(objective=Equal())
    assert by_loss.best_epoch > 1 and by_number.best_epoch == by_loss.best_epoch
    assert [record.is_best for record in by_number.records] == [record.is_best for record in by_loss.records]
    assert same(a, b)


def test_twice_the_same_call_gives_the_same_numbers():
    (a, first), (b, second) = run(), run()
    assert same(a, b)
    assert without_times(first) == without_times(second)


def test_the_callers_random_generator_is_left_alone():
    torch.manual_seed(11)
    expected = torch.rand(3)
    torch.manual_seed(11)
    with seeded(7):
        torch.rand(5)
    assert torch.equal(torch.rand(3), expected)


def test_threads_draw_from_their_own_seed():
    draws: dict[int, torch.Tensor] = {}
    first_is_in = threading.Event()

    def draw(seed: int) -> None:
        with seeded(seed):
            first_is_in.set()
            time.sleep(0.05)  # for the other to come between
            draws[seed] = torch.rand(3)

    threads = [threading.Thread(target=draw, args=(seed,)) for seed in (1, 2)]
    threads[0].start()
    first_is_in.wait()
    threads[1].start()
    for thread in threads:
        thread.join()
    for seed, drawn in draws.items():
        with seeded(seed):
            assert torch.equal(torch.rand(3), drawn)


class Killed(BaseException):
    pass


@pytest.mark.parametrize("at", [1, 5, 13, 14, 30, 51])
def test_killed_and_resumed_equals_uninterrupted(tmp_path, at):
    whole, expected = run(tmp_path / "a")

    def kill(event):
        if isinstance(event, StepDone) and event.step == at:
            raise Killed

    # A checkpoint after every step would hide a wrong position; now and then finds it.
    with pytest.raises(Killed):
        run(tmp_path / "b", observer=kill, checkpoint_every_s=0.004)
    with pytest.raises(Killed):  # killed again, a little later
        run(
            tmp_path / "b",
            resume=True,
            observer=lambda e: kill(StepDone(e.step - 1, 0, 0.0)) if isinstance(e, StepDone) else None,
            checkpoint_every_s=0.004,
        )
    resumed, history = run(tmp_path / "b", resume=True)
    assert same(whole, resumed)
    assert without_times(history) == without_times(expected)


def test_resuming_a_finished_training_changes_nothing(tmp_path):
    whole, expected = run(tmp_path)
    again, history = run(tmp_path, resume=True)
    assert same(whole, again)
    assert history.steps == expected.steps


def test_ctrl_c_ends_the_step_and_leaves_a_checkpoint_to_go_on_from(tmp_path):
    whole, expected = run(tmp_path / "a")

    def interrupt(event):
        if isinstance(event, StepDone) and event.step == 20:
            os.kill(os.getpid(), signal.SIGINT)

    before = signal.signal(
        signal.SIGINT, signal.default_int_handler
    )  # a shell ignores it for what runs behind it
    try:
        _, history = run(tmp_path / "b", observer=interrupt)
    finally:
        signal.signal(signal.SIGINT, before)
    assert history.stopped == "interrupted"
    assert not history.reproducible
    assert history.steps < expected.steps
    resumed, history = run(tmp_path / "b", resume=True)
    assert same(whole, resumed)
    assert without_times(history) == without_times(expected)


def test_sigterm_leaves_a_checkpoint_and_then_reaches_whom_it_was_meant_for(tmp_path):
    whole, expected = run(tmp_path / "a")
    reached = []
    before = signal.signal(signal.SIGTERM, lambda number, frame: reached.append(number))

    def end(event):
        if isinstance(event, StepDone) and event.step == 20:
            os.kill(os.getpid(), signal.SIGTERM)
            assert not reached, "not within a training"

    try:
        _, history = run(tmp_path / "b", observer=end)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert reached == [signal.SIGTERM]
    assert history.stopped == "interrupted"
    resumed, history = run(tmp_path / "b", resume=True)
    assert same(whole, resumed)
    assert without_times(history) == without_times(expected)


_TERMINATED = """
import os, signal
import numpy as np
from recurra import SequenceClassifier

draw = np.random.default_rng(0)
sequences = [draw.standard_normal((5, 2)) for _ in range(60)]
import recurra.training.loop as loop
taken, step = [], loop.take_step

def take_step(*args, **kwargs):
    taken.append(None)
    if len(taken) == 3:
        os.kill(os.getpid(), signal.SIGTERM)
    return step(*args, **kwargs)

loop.take_step = take_step
SequenceClassifier(out=os.environ["RUN"]).fit(sequences, [n % 2 for n in range(60)])
print("went on")
"""


def test_sigterm_ends_a_script_that_fits(tmp_path):
    place = tmp_path / "run"
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", _TERMINATED],
        env=os.environ | {"RUN": str(place)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == -signal.SIGTERM, done.stderr
    assert "went on" not in done.stdout
    assert (place / "checkpoint").is_dir()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_ignored_signal_stays_ignored(number):
    before = signal.signal(number, signal.SIG_IGN)
    try:
        _, history = run(
            observer=lambda e: (
                os.kill(os.getpid(), number) if isinstance(e, StepDone) and e.step == 20 else None
            )
        )
    finally:
        signal.signal(number, before)
    assert history.stopped == "finished"


def test_early_stopping_waits_for_its_patience():
    _, history = run(epochs=60, patience=3, learning_rate=0.2)
    assert history.stopped == "early"
    assert len(history.records) == history.best_epoch + 3


def test_the_deadline_stops_in_time_and_is_told():
    config = TrainingConfig(epochs=1000, patience=1000)
    training = data(100, 0)
    with seeded(0):
        history = train(
            Sums(),
            Classes(),
            training,
            data(40, 1),
            config,
            total_steps=10**6,
            deadline=time.monotonic() + 0.2,
        )
    assert history.stopped == "clock"
    assert not history.reproducible


def test_a_loss_that_is_not_finite_stops_and_keeps_the_best_weights():
    class Bursting(Classes):
        steps = 0

        def loss(self, output, target):
            self.steps += 1
            return super().loss(output, target) * (float("nan") if self.steps > 30 else 1.0)

        def validate(self, pairs):
            return {"loss": float(functional.cross_entropy(*next(iter(pairs))))}

    network, training = Sums(), data(100, 0)
    with seeded(0):
        history = train(network, Bursting(), training, data(40, 1), TrainingConfig(epochs=9), total_steps=900)
    assert history.stopped == "not finite at step 31"
    assert all(torch.isfinite(t).all() for t in network.state_dict().values())


def test_a_loss_that_is_never_finite_is_an_error_with_advice():
    class Broken(Classes):
        def loss(self, output, target):
            return super().loss(output, target) * float("inf")

    with pytest.raises(TrainingError, match=r"not finite at step 1.*learning rate"), seeded(0):
        train(Sums(), Broken(), data(100, 0), data(40, 1), TrainingConfig(), total_steps=100)


def test_a_truncated_checkpoint_is_an_error_that_names_it(tmp_path):
    run(tmp_path)
    path = tmp_path / FILE
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(RunError, match=r"state\.safetensors: the checkpoint is broken"):
        run(tmp_path, resume=True)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            lambda c: c.tensors.update({"optimizer.0.exp_avg": torch.zeros(1, 2)}),
            r"optimizer\.0\.exp_avg is .*\[1, 2\]",
        ),
        (
            lambda c: c.tensors.update({"optimizer.0.step": torch.ones(3)}),
            r"optimizer\.0\.step .* \[3\], expected",
        ),
        (
            lambda c: c.tensors.update({"optimizer.1.exp_avg_sq": torch.zeros(2, 8, dtype=torch.int64)}),
            "torch.int64",
        ),
        (lambda c: c.tensors.pop("optimizer.1.exp_avg"), r"optimizer\.1 is"),
        (lambda c: c.tensors.update({"optimizer.9.step": torch.tensor(1.0)}), r"optimizer\.9 is"),
        (lambda c: c.tensors.update({"best.hidden.bias": torch.zeros(3)}), r"best\.hidden\.bias is \[3\]"),
        (lambda c: c.tensors.pop("best.hidden.bias"), r"best\.hidden\.bias is missing"),
        (lambda c: [c.tensors.pop(f"best.{name}") for name in c.group("best")], "is missing, expected"),
        (lambda c: c.progress.update(state=0), "state is 0"),
        (lambda c: c.progress.update(state=["a"]), "state is 'a'"),
        (lambda c: c.progress.update(records=5), r"progress\.records: "),
        (lambda c: c.progress["records"][0].pop("epoch"), r"progress\.records\.0\.epoch: "),
        (lambda c: c.progress["records"][0].update(speed=1), r"progress\.records\.0\.speed: "),
        (lambda c: c.progress.update(epoch="soon"), r"progress\.epoch: "),
        (lambda c: c.progress.update(batch=-1), r"progress\.batch: "),
        (lambda c: c.progress.pop("step"), r"progress\.step: it is missing"),
    ],
)
def test_a_damaged_checkpoint_is_told(tmp_path, changes, message):
    run(tmp_path, epochs=1)
    checkpoint = read_checkpoint(tmp_path)
    checkpoint.progress["stopped"] = None
    changes(checkpoint)
    write_checkpoint(tmp_path, checkpoint)
    with pytest.raises(RunError, match=rf"checkpoint.*{message}.*--overwrite"):
        run(tmp_path, resume=True)


def test_a_checkpoint_that_holds_a_list_is_told(tmp_path):
    write_checkpoint(tmp_path, Checkpoint({"a": torch.zeros(1)}, []))
    with pytest.raises(RunError, match=r"the checkpoint is broken \(progress: "):
        run(tmp_path, resume=True)


def test_a_checkpoint_of_another_format_is_told(tmp_path, monkeypatch):
    run(tmp_path, epochs=1)
    monkeypatch.setattr("recurra.training.checkpoint.FORMAT", 2)
    with pytest.raises(RunError, match="expected a checkpoint of format 2, found '1'"):
        run(tmp_path, resume=True)


def test_a_full_disk_never_costs_the_previous_checkpoint(tmp_path, monkeypatch):
    whole, _ = run(tmp_path / "a")
    epochs = []

    def fill_the_disk(event):
        if isinstance(event, EpochRecord) and event.epoch == 3:
            epochs.append(event.epoch)
            monkeypatch.setattr(
                os, "fsync", lambda _: (_ for _ in ()).throw(OSError(28, "No space left on device"))
            )

    with pytest.raises(StorageError, match="no space left"):
        run(tmp_path / "b", observer=fill_the_disk)
    monkeypatch.undo()
    kept = read_checkpoint(tmp_path / "b")
    assert kept is not None
    assert kept.progress["epoch"] == 2
    resumed, _ = run(tmp_path / "b", resume=True)
    assert same(whole, resumed)


class Carried(NamedTuple):
    y: torch.Tensor
    state: Any


class Carrying(nn.Module):
    """A network over one stream of numbers whose state goes on from batch to batch."""

    def __init__(self):
        super().__init__()
        self.cell = nn.LSTM(1, 6, batch_first=True)
        self.output = nn.Linear(6, 1)

    def forward(self, x, state=None):
        h, state = self.cell(x, state)
        return Carried(self.output(h), state)


class Stream:
    """The running sum of 24 numbers, in six batches of two rows and two steps."""

    def __init__(self):
        x = torch.randn(2, 12, 1, generator=torch.Generator().manual_seed(1))
        self.x, self.y = x, x.cumsum(1)

    def __len__(self):
        return 6

    def epoch(self, epoch, start=0):
        for k in range(start, 6):
            part = slice(2 * k, 2 * k + 2)
            yield Batch((self.x[:, part],), self.y[:, part], np.arange(2), 4, fresh=k == 0)

    def evaluation(self):
        return self.epoch(0)


class SquaredError:
    def loss(self, output, target):
        return functional.mse_loss(output.y, target)

    def validate(self, pairs):
        return {"loss": float(np.mean([float(self.loss(*pair)) for pair in pairs]))}


def test_carried_state_goes_on_from_batch_to_batch():
    network = Carrying()
    outputs = [output.y for _, output in predictions(network, Stream(), "float32")]
    whole, _ = network(Stream().x)
    assert torch.allclose(torch.cat(outputs, 1), whole, atol=1e-6)


@pytest.mark.parametrize("killed_at", [1, 6, 9, 12])
def test_a_killed_training_goes_on_with_its_carried_state(tmp_path, killed_at):
    def trained(folder, *, resume=False, until=24):
        def observe(event):
            if isinstance(event, StepDone) and event.step == until:
                raise Killed

        torch.manual_seed(3)
        network, config = Carrying(), TrainingConfig(checkpoint_every_s=1e-9, patience=9)
        train(
            network,
            SquaredError(),
            Stream(),
            Stream(),
            config,
            total_steps=20,
            checkpoint_folder=folder,
            resume=resume,
            observer=observe,
        )
        return network

    with pytest.raises(Killed):
        trained(tmp_path / "killed", until=killed_at)
    assert same(trained(tmp_path / "killed", resume=True), trained(tmp_path / "whole"))


def test_plain_sgd_with_a_halving_rate_goes_on_after_a_kill(tmp_path):
    plain = {"optimizer": "sgd", "schedule": "halving", "hold_epochs": 2, "warmup": 0.0, "learning_rate": 0.1}
    whole, history = run(**plain)
    rates = [record.learning_rate for record in history.records]
    assert rates[:4] == pytest.approx([0.1, 0.1, 0.05, 0.025])

    def kill(event):
        if isinstance(event, StepDone) and event.step == 20:
            raise Killed

    with pytest.raises(Killed):
        run(tmp_path, observer=kill, checkpoint_every_s=1e-9, **plain)
    resumed, _ = run(tmp_path, resume=True, **plain)
    assert same(resumed, whole)


def averaging(folder=None, **options):
    """A rate so high that the validation loss gets worse, and averaging begins; weights after each step are kept."""
    torch.manual_seed(5)
    network, training = Sums(), data(100, 0)
    config = TrainingConfig(
        epochs=6, learning_rate=0.5, schedule="constant", warmup=0, patience=9, average_after=0
    )
    seen: list[dict[str, torch.Tensor]] = []

    def keep(event):
        if isinstance(event, StepDone):
            seen.append({name: w.detach().clone() for name, w in network.state_dict().items()})

    with seeded(7):
        history = train(
            network,
            Classes(),
            training,
            data(40, 1),
            config,
            total_steps=6 * len(training),
            checkpoint_folder=folder,
            observer=options.pop("observer", keep),
            **options,
        )
    return network, history, seen


def test_weights_are_averaged_from_the_first_epoch_that_was_no_better(tmp_path):
    _, history, seen = averaging(tmp_path)
    losses = [record.validation["loss"] for record in history.records]
    worse = next(k for k in range(1, len(losses)) if losses[k] > min(losses[:k]))
    assert worse < len(losses) - 1
    kept = read_checkpoint(tmp_path).group("average")
    after = seen[history.records[worse].step :]
    assert int(kept["n_averaged"]) == len(after)
    for name in seen[0]:
        assert_close(kept[f"module.{name}"], torch.stack([weights[name] for weights in after]).mean(0))


@pytest.mark.parametrize("killed_at", [20, 40, 70])
def test_a_killed_training_goes_on_with_its_average(tmp_path, killed_at):
    whole, history, _ = averaging()

    def kill(event):
        if isinstance(event, StepDone) and event.step == killed_at:
            raise Killed

    with pytest.raises(Killed):
        averaging(tmp_path, observer=kill)
    resumed, again, _ = averaging(tmp_path, resume=True)
    assert same(whole, resumed)
    assert without_times(again) == without_times(history)


def test_the_history_tells_how_far_steps_move_the_weights():
    ratios = {
        rate: [
            record.update_ratio
            for record in run(learning_rate=rate, warmup=0, schedule="constant")[1].records
        ]
        for rate in (0.002, 0.02)
    }
    small, large = (sum(each) / len(each) for each in ratios.values())
    assert 0 < small < large < 1
    assert 4 < large / small < 25


def test_a_checkpoint_from_before_updates_were_measured_goes_on(tmp_path):
    from recurra.training.checkpoint import Checkpoint, write_checkpoint

    whole, _ = run(tmp_path / "a")
    with pytest.raises(Killed):
        run(tmp_path / "b", observer=lambda e: _kill_at(e, 20), checkpoint_every_s=1e-9)
    found = read_checkpoint(tmp_path / "b")
    progress = {k: v for k, v in found.progress.items() if k not in ("update_sum", "updates")}
    progress["records"] = [
        {k: v for k, v in record.items() if k != "update_ratio"} for record in progress["records"]
    ]
    write_checkpoint(tmp_path / "b", Checkpoint(found.tensors, progress))
    resumed, history = run(tmp_path / "b", resume=True)
    assert same(whole, resumed)
    assert history.records[0].update_ratio is None
    assert history.records[-1].update_ratio > 0


def _kill_at(event, step):
    if isinstance(event, StepDone) and event.step == step:
        raise Killed
