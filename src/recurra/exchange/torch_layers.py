"""Which layers a `state_dict` holds: modules of torch told apart by the names and shapes of their weights."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import NamedTuple

from torch import Tensor

from recurra.errors import DataError
from recurra.exchange.description import input_shape, shapes_after
from recurra.exchange.specs import (
    BidirectionalSpec,
    CellName,
    EmbeddingSpec,
    RecurrentSpec,
    Spec,
)
from recurra.exchange.torch_weights import Tensors

_RECURRENT = re.compile(r"(?P<module>.*?)(?P<name>(weight|bias)_(ih|hh|hr)_l\d+(_reverse)?)")
_CELLS: dict[int, CellName] = {1: "rnn_tanh", 3: "gru", 4: "lstm"}
KNOWN = "Known are nn.Embedding, then nn.RNN, nn.LSTM or nn.GRU, then nn.Linear."

# Name, weight (N, K) and bias (N,) of a linear layer.
Linear = tuple[str, Tensor, Tensor | None]


class Part(NamedTuple):
    """Layers here of a module there.

    Args:
        specs: one for each layer of the module.
        weights: of each of them, by their names here.
    """

    specs: list[Spec]
    weights: list[dict[str, Tensor]]


class Modules(NamedTuple):
    """What is in a `state_dict`.

    Args:
        tables: of vectors, by name.
        recurrent: the weights of each recurrent module, in the order of the file.
        linear: likewise.
    """

    tables: dict[str, Tensor]
    recurrent: dict[str, dict[str, Tensor]]
    linear: list[Linear]


def modules_of(found: Tensors, where: str) -> Modules:
    """Tables of vectors, recurrent modules and linear layers.

    Raises:
        DataError: there is no recurrent layer, something of another kind, a linear layer was defined before all
            recurrent ones (what reads it cannot be told), or a square matrix there may be that or a table.
    """
    tensors = found.by_name
    recurrent: dict[str, dict[str, Tensor]] = {}
    rest = {}
    for name, tensor in tensors.items():
        if match := _RECURRENT.fullmatch(name):
            recurrent.setdefault(match["module"], {})[match["name"]] = tensor
        else:
            rest[name] = tensor
    if not recurrent:
        raise DataError(
            f"there is no recurrent layer: expected names such as weight_ih_l0, found {', '.join(list(tensors)[:5])}",
            where=where,
            fix=KNOWN,
        )
    reads = {own["weight_ih_l0"].size(-1) for own in recurrent.values() if "weight_ih_l0" in own}
    names = list(tensors)
    first = next(n for n, name in enumerate(names) if _RECURRENT.fullmatch(name))
    tables, linear = {}, []
    for name, tensor in rest.items():
        module, _, kind = name.rpartition(".")
        if kind == "bias" and f"{module}.weight" in rest and rest[f"{module}.weight"].dim() == 2:
            continue
        if kind != "weight" or tensor.dim() != 2:
            raise DataError(f"{name} of shape {tuple(tensor.shape)} is not known", where=where, fix=KNOWN)
        bias = rest.get(f"{module}.bias")
        before = found.ordered and names.index(name) < first
        named = "emb" in module.lower()
        if bias is None and tensor.size(1) in reads and (named or before):
            if not named and tensor.size(0) in reads:
                raise DataError(
                    f"{name} of shape {tuple(tensor.shape)} may be a table of vectors or a linear layer without bias",
                    where=where,
                    fix=f"{KNOWN} Say which by its name: a table is called embedding.",
                )
            tables[name] = tensor
        else:
            if bias is not None and bias.shape != tensor.shape[:1]:
                raise DataError(f"{module}.bias does not fit {name}", where=where)
            if before:
                raise DataError(
                    f"the linear layer {module} was defined before the recurrent ones, and may be what they read",
                    where=where,
                    fix=f"{KNOWN} If it reads what they give, define it behind them and save the weights again.",
                )
            linear.append((module, tensor, bias))
    return Modules(tables, recurrent, linear)


def embedding_of(name: str, table: Tensor) -> Part:
    """A table of vectors as a layer."""
    spec = EmbeddingSpec(name=name.removesuffix(".weight"), ids=table.size(0), size=table.size(1))
    return Part([spec], [{"embedding.weight": table}])


def recurrent_of(
    module: str, found: dict[str, Tensor], every_step: bool, nonlinearity: str, where: str
) -> Part:
    """The layers of a `nn.RNN`, `nn.LSTM` or `nn.GRU`; all but the last give every step, and the last if asked.

    Raises:
        DataError: the shapes are those of no cell, or a layer is missing.
    """
    where = f"{where}: {module.rstrip('.') or 'the recurrent layer'}"
    layers = len({name for name in found if re.fullmatch(r"weight_ih_l\d+", name)})
    both = "weight_ih_l0_reverse" in found
    specs: list[Spec] = []
    weights = []
    seen: set[str] = set()
    for layer in range(layers):
        halves = []
        for suffix in (f"_l{layer}", f"_l{layer}_reverse")[: 1 + both]:
            own = {name.removesuffix(suffix): t for name, t in found.items() if name.endswith(suffix)}
            seen |= {name + suffix for name in own}
            spec = _cell_of(own, nonlinearity, where).model_copy(
                update={
                    "name": f"{module}l{layer}",
                    "backwards": suffix.endswith("reverse"),
                    "every_step": every_step or layer < layers - 1,
                }
            )
            halves.append((spec, {f"layer.{name}_l0": t for name, t in own.items()}))
        if both:
            (one, of_one), (other, of_other) = halves
            specs.append(BidirectionalSpec(name=one.name, forward=one, backward=other))
            named = {"forward_half": of_one, "backward_half": of_other}
            weights.append({f"{side}.{name}": t for side, own in named.items() for name, t in own.items()})
        else:
            specs.append(halves[0][0])
            weights.append(halves[0][1])
    if left := sorted(found.keys() - seen):
        raise DataError(f"{left[0]} belongs to no layer: one before it is missing", where=where)
    return Part(specs, weights)


def _cell_of(own: dict[str, Tensor], nonlinearity: str, where: str) -> RecurrentSpec:
    """Which cell one layer in one direction is, by its shapes."""
    w_ih, w_hh, w_hr = (own.get(name) for name in ("weight_ih", "weight_hh", "weight_hr"))
    problem = "a matrix is missing"
    if w_ih is not None and w_hh is not None and w_ih.dim() == 2 and w_hh.dim() == 2:
        units = w_hr.size(-1) if w_hr is not None else w_hh.size(1)
        gates, more = divmod(w_hh.size(0), max(units, 1))
        cell = _CELLS.get(gates) if not more else None
        if cell == "rnn_tanh" and nonlinearity == "relu":
            cell = "rnn_relu"
        rows = (w_hh.size(0),)
        biases = [own[name] for name in ("bias_ih", "bias_hh") if name in own]
        fits = w_ih.size(0) == w_hh.size(0) and len(biases) in (0, 2) and all(b.shape == rows for b in biases)
        fits = fits and (w_hr is None or (cell == "lstm" and w_hr.shape == (w_hh.size(1), units)))
        if cell is not None and fits and units:
            return RecurrentSpec(
                name="",
                cell=cell,
                inputs=w_ih.size(1),
                units=units,
                projection=0 if w_hr is None else w_hr.size(0),
                biases=2 if biases else 0,
            )
        problem = f"W_ih is {tuple(w_ih.shape)} and W_hh {tuple(w_hh.shape)}"
    raise DataError(
        f"the cell cannot be told: {problem}",
        where=where,
        fix="W_hh has H rows of H numbers for a RNN, 3 H for a GRU, 4 H for a LSTM.",
    )


def in_a_row(cells: list[Part], where: str) -> list[Part]:
    """Several recurrent modules, each on every step of the one before.

    Raises:
        DataError: their sizes do not fit.
    """
    for before, after in pairwise(cells):
        given = shapes_after(input_shape(width_read(before.specs[0]), None), before.specs)[-1].width
        if given != width_read(after.specs[0]):
            raise DataError(
                f"{after.specs[0].name} reads {width_read(after.specs[0])} numbers, "
                f"and {before.specs[-1].name} gives {given}",
                where=where,
                fix="Known are modules that read each other in the order in which they were defined; a file of "
                "safetensors keeps that of their names alone, one of torch.save has it.",
            )
    return [*(_all_steps(part) for part in cells[:-1]), cells[-1]]


def _all_steps(part: Part) -> Part:
    last = part.specs[-1]
    step = {"every_step": True}
    if isinstance(last, BidirectionalSpec):
        halves = {"forward": last.forward, "backward": last.backward}
        last = last.model_copy(update={side: half.model_copy(update=step) for side, half in halves.items()})
    else:
        last = last.model_copy(update=step)
    return part._replace(specs=[*part.specs[:-1], last])


def width_read(spec: Spec) -> int:
    """Numbers of a step that a recurrent layer reads."""
    one = spec.forward if isinstance(spec, BidirectionalSpec) else spec
    assert isinstance(one, RecurrentSpec)
    return one.inputs


def cell_of(spec: Spec) -> str:
    """The cell of a recurrent layer, in both directions the same."""
    one = spec.forward if isinstance(spec, BidirectionalSpec) else spec
    assert isinstance(one, RecurrentSpec)
    return one.cell
