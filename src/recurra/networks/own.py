"""A user's own module in place of a cell: how it is handed over, and the face of an encoder around it.

Code is never found by a name in a file: a network with such a module can be made only while the module is handed over.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import torch
from torch import Tensor, nn

from recurra.axes import zero_padding
from recurra.errors import InputError
from recurra.networks.config import CELL_NAMES, OWN
from recurra.ops.streaming.stages import Stage

Factory = Callable[[int, int], nn.Module]
Encoders = Mapping[str, Factory]

_handed_over: ContextVar[dict[str, Factory]] = ContextVar("encoders")


@contextmanager
def own_encoders(encoders: Encoders | None) -> Iterator[None]:
    """In the body, networks can be made of these modules, too.

    Args:
        encoders: name -> class or function of (input_size, units); see `OwnEncoder` for what its module has to do.

    Raises:
        InputError: a name that cannot be one, or something that cannot be called.

    >>> with own_encoders({"GRU": nn.GRU}):
    ...     pass
    Traceback (most recent call last):
        ...
    recurra.errors.InputError: encoders: 'GRU' cannot be the name of a module of your own. Take a new name of ...
    """
    given = dict(encoders or {})
    for name, factory in given.items():
        fits = isinstance(name, str) and re.fullmatch("[a-z][a-z0-9_-]*", name) and name not in CELL_NAMES
        if not fits:
            raise InputError(
                f"{name!r} cannot be the name of a module of your own",
                where="encoders",
                fix="Take a new name of small letters, digits, - and _.",
            )
        if not callable(factory) or isinstance(factory, nn.Module):
            raise InputError(
                f"expected a class or function of (input_size, units), found {type(factory).__name__}",
                where=f"encoders[{name!r}]",
                fix="Give the class itself, not a module made of it.",
            )
    token = _handed_over.set(encoders_handed_over() | given)
    try:
        yield
    finally:
        _handed_over.reset(token)


def hand_over(encoders: Encoders) -> None:
    """Let networks be made of these modules until this process ends."""
    _handed_over.set(encoders_handed_over() | dict(encoders))


def encoders_handed_over() -> dict[str, Factory]:
    """Name -> what networks can be made of here, beside Recurra's cells."""
    return dict(_handed_over.get({}))


def encoders_of(network: nn.Module) -> dict[str, Factory]:
    """What was handed over to make `network`."""
    return {each.name: each.factory for each in network.modules() if isinstance(each, OwnEncoder)}


class OwnEncoder(nn.Module):
    """A user's own module, called as an encoder is.

        y = module(x, lengths);    output_t = y_t for t < length, else 0

    The module is made by factory(input_size, units), of any whole number of units from 1 on; more units are more
    weights, or units change nothing. What it reads past `lengths` is 0, and lengths are 1 at least; what it gives there
    is not looked at. It carries no state from call to call. `recurra.networks.own_contract` checks what it promises.

    Args:
        name: that it was handed over with.
        input_size: I.
        units: H asked for; the module may give another number, or have no such choice.
    Shapes:
        x (B, T, I), lengths (B,) int64 on the same device -> (B, T, any H) -> output (B, T, H), ().

    >>> class Mine(nn.Module):
    ...     def __init__(self, input_size, units):
    ...         super().__init__()
    ...         self.linear = nn.Linear(input_size, units)
    ...     def forward(self, x, lengths):
    ...         return self.linear(x).cumsum(1)
    >>> with own_encoders({"mine": Mine}):
    ...     encoder = OwnEncoder("mine", 3, 4)
    >>> output, state = encoder(torch.randn(2, 5, 3), lengths=torch.tensor([5, 2]))
    >>> output.shape, encoder.out_features, state
    (torch.Size([2, 5, 4]), 4, ())
    """

    directions = 1

    def __init__(self, name: str, input_size: int, units: int):
        super().__init__()
        if name not in encoders_handed_over():
            raise InputError(
                f"{name!r} is a module of its user's own, which is no part of the run",
                where=f"network.cell = {OWN}{name}",
                fix=f"Hand its class over, in Python: recurra.load(RUN, encoders={{{name!r}: YourClass}}).",
            )
        self.name, self.factory = name, encoders_handed_over()[name]
        self.input_size, self.hidden_size = input_size, units
        # On the meta device, what is no weight (a table of positions) would never get its values.
        with torch.device("cpu"):
            self.module = self._made()
            self.out_features = self._width()

    def _made(self) -> nn.Module:
        try:
            made = self.factory(self.input_size, self.hidden_size)
        except Exception as error:
            raise InputError(
                f"it cannot be made for {self.input_size} inputs and {self.hidden_size} units ({_short(error)})",
                where=self._where,
                fix="Any whole number of units must do: where it needs a multiple, let it round up itself.",
            ) from error
        if not isinstance(made, nn.Module):
            raise InputError(
                f"expected a torch.nn.Module of it, got {type(made).__name__}", where=self._where
            )
        return made

    def _width(self) -> int:
        """Features of its output, tried out; neither weights nor torch's random generator are changed."""
        was = self.module.training
        with torch.random.fork_rng(devices=[]), torch.no_grad():
            output = self._called(
                self.module.eval(), torch.zeros(2, 3, self.input_size), torch.tensor([3, 2])
            )
        self.module.train(was)
        return output.size(2)

    @property
    def _where(self) -> str:
        return f"encoders[{self.name!r}]"

    def _called(self, module: nn.Module, x: Tensor, lengths: Tensor) -> Tensor:
        try:
            output: Any = module(x, lengths)
        except Exception as error:
            raise InputError(
                f"forward(x, lengths) with x {tuple(x.shape)} failed ({_short(error)})", where=self._where
            ) from error
        expected = f"expected a tensor ({x.size(0)}, {x.size(1)}, H) of forward(x, lengths)"
        if not isinstance(output, Tensor):
            raise InputError(
                f"{expected}, got {type(output).__name__}",
                where=self._where,
                fix="Return the output of every step alone.",
            )
        if output.dim() != 3 or output.shape[:2] != x.shape[:2]:
            raise InputError(f"{expected}, got {tuple(output.shape)}", where=self._where)
        return output

    def forward(
        self, input: Tensor, hx: tuple[()] | None = None, *, lengths: Tensor | None = None
    ) -> tuple[Tensor, tuple[()]]:
        """Whole sequences.

        Raises:
            InputError: a state, for it carries none; or the module fails, or gives another shape.
        """
        if hx:
            raise InputError("it carries no state from call to call", where=self._where)
        if lengths is None:
            lengths = torch.full((input.size(0),), input.size(1), device=input.device)
        lengths = lengths.to(input.device)
        output = self._called(self.module, zero_padding(input, lengths), lengths.clamp(min=1))
        return zero_padding(output, lengths), ()

    def stages(self, first: int = 0) -> list[Stage]:
        """None.

        Raises:
            InputError: always; the message says why.
        """
        raise InputError(
            f"{self.name} is a module of your own, of which only whole sequences are known: it cannot run step by step",
            where="network.cell",
            fix="Train one of Recurra's cells.",
        )


def _short(error: Exception) -> str:
    """The kind of an error and its first line."""
    return f"{type(error).__name__}: {str(error).strip().splitlines()[0] if str(error).strip() else ''}"
