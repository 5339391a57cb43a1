"""What every recurrent layer promises, as one function that takes any of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pytest
import torch
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

from recurra.errors import BackendError, InputError
from recurra.layers.recurrent import RecurrentLayer
from recurra.ops.dispatch import BACKENDS
from recurra.ops.recurrence import layer as native
from tests.tolerances import GPU_SLACK, LAYER_NORM_SLACK, assert_all_close, assert_close

Numbers = dict[str, Tensor]


@dataclass(frozen=True)
class Case:
    """A layer and a batch to try it on; x (B, T, I), hx (L*D, B, units) each, lengths 0 to T."""

    layer: RecurrentLayer
    x: Tensor
    hx: tuple[Tensor, ...]
    lengths: list[int]

    def on(self, device: str) -> Case:
        """The same layer, moved, and the same batch there."""
        return Case(
            self.layer.to(device), self.x.to(device), tuple(s.to(device) for s in self.hx), self.lengths
        )

    @property
    def slack(self) -> float:
        """Of what is computed in another order."""
        return LAYER_NORM_SLACK if self.layer.variant.layer_norm else self.device_slack

    @property
    def device_slack(self) -> float:
        """Of what is computed in the same order, by other functions."""
        return GPU_SLACK if self.x.is_cuda and self.x.dtype == torch.float32 else 1.0

    def row(self, b: int, upto: int) -> tuple[Tensor, tuple[Tensor, ...]]:
        return self.x[b : b + 1, :upto], tuple(s[:, b : b + 1] for s in self.hx)


def check_contract(case: Case, twin: torch.nn.Module | None) -> None:
    """Every promise, one by one. `twin` is the layer of torch.nn that computes the same, if there is one."""
    case.layer.eval()
    check_padding_never_leaks(case)
    check_zero_padding_is_exact(case)
    check_steps_equal_whole(case)
    check_stream(case)
    check_packed_sequence(case)
    check_layouts(case)
    check_gates(case)
    check_default_state(case)
    if twin is not None:
        check_parity(case, twin)
    if len(backends_of(case.layer)) > 1:
        check_backends_agree(case)


def check_parity(case: Case, twin: torch.nn.Module) -> None:
    """Weights go both ways by name; outputs, states and all gradients are torch's, on either backend."""
    layer = case.layer
    assert list(layer.state_dict()) == list(twin.state_dict())
    twin.load_state_dict(layer.state_dict())
    layer.load_state_dict(twin.state_dict())
    truth = evaluate(twin, case.x, case.hx)
    for backend in backends_of(layer):
        with forced(layer, backend):
            assert_all_close(evaluate(layer, case.x, case.hx), truth, case.device_slack)


def check_backends_agree(case: Case) -> None:
    """With padding too, where torch has nothing to compare with."""
    found = []
    for backend in backends_of(case.layer):
        with forced(case.layer, backend):
            found.append(evaluate(case.layer, case.x, case.hx, case.lengths))
    for other in found[1:]:
        assert_all_close(other, found[0], case.device_slack)


def known_to_torch(layer: RecurrentLayer) -> bool:
    """Whether torch.nn has a layer that computes the same."""
    return "fused" in backends_of(layer)


def backends_of(layer: RecurrentLayer) -> list[str]:
    """All that can run the layer."""

    def runs(backend: str) -> bool:
        try:
            with forced(layer, backend):
                return True
        except BackendError:
            return False

    return [backend for backend in BACKENDS if backend != "auto" and runs(backend)]


def check_padding_never_leaks(case: Case) -> None:
    """Poisoned padding changes nothing, and every row gives what it gives alone, gradients included."""
    poisoned = case.x.clone()
    for b, length in enumerate(case.lengths):
        poisoned[b, length:] = torch.nan
    batch = evaluate(case.layer, poisoned, case.hx, case.lengths)

    alone: Numbers = {name: torch.zeros_like(value) for name, value in batch.items()}
    for b, length in enumerate(case.lengths):
        x, hx = case.row(b, length)
        if not length:
            for place, s in enumerate(hx):
                alone[f"state {place}"][:, b : b + 1] = s
                # The loss of an untouched state reaches its beginning unchanged.
                alone[f"gradient of hx {place}"][:, b : b + 1] = weighing_gradient(s)
            continue
        for name, value in evaluate(case.layer, x, hx).items():
            if name in ("output", "gradient of x"):
                alone[name][b, :length] = value[0]
            elif name.startswith(("state", "gradient of hx")):
                alone[name][:, b] = value[:, 0]
            else:
                alone[name] += value
    assert_all_close(batch, alone, case.slack)


def check_zero_padding_is_exact(case: Case) -> None:
    """Past its length a row's output is exactly 0, and an empty sequence gives back exactly its hx."""
    with torch.no_grad():
        output, state = run(case.layer, case.x, case.hx, case.lengths)
    for b, length in enumerate(case.lengths):
        assert not output[b, length:].any()
        if not length:
            assert all(torch.equal(new[:, b], old[:, b]) for new, old in zip(state, case.hx, strict=True))


def check_steps_equal_whole(case: Case) -> None:
    """One call, pieces with the state carried over, and single steps: same outputs, states, gradients."""
    if case.layer.bidirectional:
        return
    steps = case.x.size(1)
    whole = evaluate(case.layer, case.x, case.hx)
    for size in {1, max(1, steps // 2)}:

        def in_pieces(
            x: Tensor, hx: tuple[Tensor, ...], size: int = size
        ) -> tuple[Tensor, tuple[Tensor, ...]]:
            outputs = []
            for piece in x.split(size, 1):
                output, hx = run(case.layer, piece, hx)
                outputs.append(output)
            return torch.cat(outputs, 1), hx

        assert_all_close(evaluate(case.layer, case.x, case.hx, call=in_pieces), whole, case.slack)


def check_stream(case: Case) -> None:
    """A stream gives the outputs and states of the whole, by whatever it can run on, from any state."""
    if case.layer.bidirectional:
        with pytest.raises(InputError, match="both ends"):
            case.layer.stream()
        return
    with torch.no_grad():
        whole, last = run(case.layer, case.x, case.hx)
    batch = case.x.size(0)
    for backend in {"reference", case.layer.stream().backend}:
        stream = case.layer.stream(batch, backend=backend)
        names = [f"{name}_l{k}" for k in range(case.layer.num_layers) for name in case.layer.cell.states]
        assert list(stream.state) == names
        stream.state = {f"{name}_l{k}": s[k] for name, s in zip(case.layer.cell.states, case.hx, strict=True)
                        for k in range(case.layer.num_layers)}  # fmt: skip
        for t, x in enumerate(case.x.unbind(1)):
            assert_close(stream.step(x), whole[:, t].cpu(), f"{backend}, step {t}", case.slack)
        for name, s in zip(case.layer.cell.states, last, strict=True):
            for k in range(case.layer.num_layers):
                found = torch.from_numpy(stream.state[f"{name}_l{k}"])
                assert_close(found, s[k].cpu(), f"{backend}, {name} of layer {k}", case.slack)


def check_packed_sequence(case: Case) -> None:
    """A PackedSequence gives a PackedSequence with the numbers of the padded batch, in its own order."""
    lengths = [max(1, length) for length in case.lengths]
    truth, state = run(case.layer, case.x, case.hx, lengths)
    packed = pack_padded_sequence(case.x, torch.tensor(lengths), batch_first=True, enforce_sorted=False)
    output, last = case.layer(packed, as_given(case.hx))
    assert isinstance(output, PackedSequence)
    assert torch.equal(output.sorted_indices, packed.sorted_indices)
    assert torch.equal(output.batch_sizes, packed.batch_sizes)
    padded, _ = pad_packed_sequence(output, batch_first=True, total_length=case.x.size(1))
    assert_close(padded, truth, "packed output", case.device_slack)
    for place, (found, expected) in enumerate(zip(as_tuple(last), state, strict=True)):
        assert_close(found, expected, f"packed state {place}", case.device_slack)


def check_layouts(case: Case) -> None:
    """Time first, and no batch axis at all, give the same numbers."""
    layer = case.layer
    truth, state = run(layer, case.x, case.hx, case.lengths)
    layer.batch_first = False
    output, last = layer(case.x.transpose(0, 1), as_given(case.hx), lengths=torch.tensor(case.lengths))
    assert_close(output.transpose(0, 1), truth, "time-first output", case.device_slack)
    for found, expected in zip(as_tuple(last), state, strict=True):
        assert_close(found, expected, "time-first state", case.device_slack)
    layer.batch_first = True

    hx = as_given(tuple(s[:, 0] for s in case.hx))
    output, last = layer(case.x[0], hx, lengths=case.lengths[:1])
    assert_close(output, truth[0], "unbatched output", case.device_slack)
    for found, expected in zip(as_tuple(last), state, strict=True):
        assert_close(found, expected[:, 0], "unbatched state", case.device_slack)


def check_gates(case: Case) -> None:
    """Gates come with the same results, have their shape, are 0 past the length, and end in the state."""
    if case.layer.asked_backend == "fused":
        return
    layer, (batch, steps, _) = case.layer, case.x.shape
    truth, state = run(layer, case.x, case.hx, case.lengths)
    output, last, gates = layer(case.x, as_given(case.hx), lengths=case.lengths, return_gates=True)
    assert_close(output, truth, "output beside gates", case.device_slack)
    expected = {"RNN": "h", "GRU": "rznh", "LSTM": "ifgohc", "MinGRU": "znh", "MinLSTM": "ifgh"}[
        type(layer).__name__
    ]
    assert set(gates) == set(expected)
    rows = layer.num_layers * layer.directions
    for name, gate in gates.items():
        units = state[0].size(-1) if name == "h" else layer.hidden_size
        assert gate.shape == (rows, batch, steps, units)
        for b, length in enumerate(case.lengths):
            assert not gate[:, b, length:].any()
            if length and name in layer.cell.states:
                ends = [0 if r % layer.directions else length - 1 for r in range(rows)]
                found = torch.stack([gate[r, b, end] for r, end in enumerate(ends)])
                assert_close(
                    found,
                    as_tuple(last)[layer.cell.states.index(name)][:, b],
                    f"{name} at the end",
                    case.device_slack,
                )


def check_default_state(case: Case) -> None:
    """Without hx the state begins at zero, or where it was learned to begin."""
    rows, batch = case.hx[0].shape[:2]
    names = [f"initial_{name}" for name in case.layer.cell.states]
    if case.layer.learned_state:
        begin = tuple(getattr(case.layer, name).expand(rows, batch, -1) for name in names)
    else:
        begin = tuple(torch.zeros_like(s) for s in case.hx)
    output, _ = case.layer(case.x, lengths=case.lengths)
    assert_close(
        output,
        run(case.layer, case.x, begin, case.lengths)[0],
        "output from the default state",
        case.device_slack,
    )


# -- how a layer is run and weighed ------------------------------------------------------------------------


def run(
    layer: torch.nn.Module, x: Tensor, hx: tuple[Tensor, ...], lengths: Sequence[int] | None = None
) -> tuple[Tensor, tuple[Tensor, ...]]:
    extra = {} if lengths is None else {"lengths": torch.tensor(lengths)}
    output, state = layer(x, as_given(hx), **extra)
    return output, as_tuple(state)


def evaluate(
    layer: torch.nn.Module,
    x: Tensor,
    hx: tuple[Tensor, ...],
    lengths: Sequence[int] | None = None,
    call: Callable | None = None,
) -> Numbers:
    """Outputs, states, and every gradient of a loss that weighs each of their numbers."""
    x = x.detach().clone().requires_grad_()
    hx = tuple(s.detach().clone().requires_grad_() for s in hx)
    output, state = call(x, hx) if call else run(layer, x, hx, lengths)
    loss = weighing(output) + sum(weighing(s) for s in state)
    named = {"x": x, **{f"hx {place}": s for place, s in enumerate(hx)}, **dict(layer.named_parameters())}
    gradients = torch.autograd.grad(loss, list(named.values()), allow_unused=True)
    return {
        "output": output.detach(),
        **{f"state {place}": s.detach() for place, s in enumerate(state)},
        **{
            f"gradient of {name}": torch.zeros_like(value) if g is None else g
            for (name, value), g in zip(named.items(), gradients, strict=True)
        },
    }


def weighing(y: Tensor) -> Tensor:
    """A loss without symmetries, 0 at 0, that weighs a row the same wherever it stands."""
    return (torch.sin(1.3 * y) * torch.linspace(0.5, 1.5, y.size(-1), dtype=y.dtype, device=y.device)).sum()


def weighing_gradient(y: Tensor) -> Tensor:
    y = y.detach().clone().requires_grad_()
    return torch.autograd.grad(weighing(y), y)[0]


def as_tuple(state: Tensor | tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    return (state,) if isinstance(state, Tensor) else tuple(state)


def as_given(state: tuple[Tensor, ...]) -> Tensor | tuple[Tensor, ...]:
    return state[0] if len(state) == 1 else state


class forced:
    """Run a layer on one backend for a while."""

    def __init__(self, layer: RecurrentLayer, backend: str):
        self.layer, self.backend, self.before = layer, backend, layer.asked_backend

    def __enter__(self) -> None:
        self.layer.asked_backend = self.backend
        try:
            assert self.layer.backend == self.backend
        except BackendError:
            self.layer.asked_backend = self.before
            raise
        self.short, native._SHORT = native._SHORT, 1  # few steps, too

    def __exit__(self, *_) -> None:
        self.layer.asked_backend, native._SHORT = self.before, self.short
