"""What a person asks of a comparison."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from recurra.errors import InputError
from recurra.networks.config import CellName
from recurra.runs.budget import parse_duration

CELLS: tuple[str, ...] = get_args(CellName)


class ComparisonOptions(BaseModel):
    """What a person asks of a comparison, whatever the kind of data.

    Args:
        cells: of the networks that take part.
        encoders: names of a user's own modules that take part, too.
        match: what is held equal: the number of weights, or the time of each training.
        weights: of each network where weights are equal; None: as many as the network has that `recurra fit` takes.
        seeds: trainings of each network with the chosen learning rate.
        trials: learning rates tried for each network; 1 takes the default one.
        tune_on: training examples that learning rates are tried on, of running text tokens; None: all.
        budget_s: seconds for everything; None: every training runs through its epochs.
        jobs: trainings at the same time, each in a process of its own.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    cells: tuple[str, ...] = CELLS
    encoders: tuple[str, ...] = ()
    match: Literal["params", "time"] = "params"
    weights: int | None = Field(default=None, ge=1, le=10**9)
    seeds: int = Field(default=3, ge=1)
    trials: int = Field(default=3, ge=1)
    tune_on: int | None = Field(default=None, ge=1)
    budget_s: float | None = Field(default=None, gt=0)
    jobs: int = Field(default=1, ge=1)

    @property
    def networks(self) -> tuple[str, ...]:
        """All that take part, by name."""
        return self.cells + self.encoders

    @property
    def per_cell(self) -> int:
        """Trainings of each network."""
        return self.seeds + (self.trials if self.trials > 1 else 0)


def comparison_options(
    *,
    cells: str | Sequence[str] | None,
    budget: str | float | None,
    encoders: Iterable[str] = (),
    **given: Any,
) -> ComparisonOptions:
    """The options as given, checked.

    Args:
        cells: names, in a sequence or with commas; None: all there are.
        budget: such as "30m", or seconds.
        encoders: names of a user's own modules; with one, there may be no cells.
        given: the others of `ComparisonOptions`; None where nothing is said.

    Raises:
        InputError: naming the option.

    >>> comparison_options(cells="gru, lstm", budget="10m", seeds=None).cells
    ('gru', 'lstm')
    """
    named = {name: value for name, value in given.items() if value is not None}
    named["encoders"] = tuple(encoders)
    if cells is not None:
        words = cells.split(",") if isinstance(cells, str) else cells
        words = words if isinstance(words, Iterable) else [words]
        asked = [str(cell).strip().lower() for cell in words]
        strange = [cell for cell in asked if cell not in CELLS]
        if strange or len(set(asked)) < len(asked) or not (asked or named["encoders"]):
            found = f"found {strange[0]!r}" if strange else f"found {', '.join(asked) or 'none'}"
            raise InputError(
                f"expected one or several different ones of {', '.join(CELLS)}, {found}",
                where="--cells",
                fix=f"For example --cells {','.join(CELLS[:3])}.",
            )
        named["cells"] = tuple(asked)
    if budget is not None:
        named["budget_s"] = parse_duration(budget, where="--budget")
    try:
        options = ComparisonOptions(**named)
    except ValidationError as error:
        first = error.errors()[0]
        raise InputError(
            f"{first['input']!r} does not fit: {first['msg'][0].lower() + first['msg'][1:]}",
            where=f"--{str(first['loc'][0]).replace('_', '-')}",
        ) from error
    if options.weights is not None and options.match == "time":
        raise InputError(
            "numbers of weights are held equal or times are, not both",
            where="--weights",
            fix="Leave it out, or take --match params.",
        )
    if options.tune_on is not None and options.trials == 1:
        raise InputError(
            "with --trials 1 no learning rate is tried, on fewer examples neither",
            where="--tune-on",
            fix="Leave it out, or try several: --trials 3.",
        )
    return options
