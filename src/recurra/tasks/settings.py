"""All choices of one training in one place, with defaults that depend on the data and were earned on it."""

from __future__ import annotations

import difflib
import json
import re
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from recurra.data.text import TextConfig
from recurra.errors import InputError
from recurra.networks.config import NetworkConfig
from recurra.training.config import TrainingConfig


class TaskConfig(BaseModel):
    """Choices of the loss and of the decision."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    class_weight: Literal["none", "balanced"] | dict[str, Annotated[float, Field(gt=0)]] = Field(
        default="none",
        description='of classes in the loss: "none", "balanced" (rare ones weigh more), or {"name": weight}',
    )
    label_smoothing: float = Field(
        default=0.0, ge=0, lt=1, description="share of the target spread over all classes"
    )
    calibrate: bool = Field(default=True, description="fit a temperature on the validation part")
    threshold: Literal["half", "f1", "balanced_accuracy"] = Field(
        default="half",
        description="what the decision threshold maximises in validation (two classes, several labels)",
    )


class BatchConfig(BaseModel):
    """How sequences are put into batches."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    tokens_per_batch: int = Field(
        default=12_800, ge=1, description="steps in a batch at most, padding included"
    )
    max_batch: int = Field(default=64, ge=1, description="sequences in a batch at most")


# What a run that starts from another run's weights leaves to its own machine all the same.
MACHINE: dict[str, Any] = {"training.device": "auto", "training.precision": "auto", "training.threads": None}


class RoomsOfSettings(BaseModel):
    """Choices in rooms, each a model of its own; every field has a dotted name such as `network.hidden_size`."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    def flat(self) -> dict[str, Any]:
        """Every setting under its dotted name, JSON-safe."""
        return {
            f"{room}.{field}": value
            for room, fields in self.model_dump(mode="json").items()
            for field, value in fields.items()
        }

    def changed(self, overrides: dict[str, Any]) -> Self:
        """These settings with `overrides`, a flat dict of dotted names such as `network.hidden_size`.

        Values may be given as the text that a person types.

        Raises:
            InputError: a name that does not exist (the nearest ones are listed) or a value that does not fit.

        >>> Settings().changed({"network.hidden_size": "64"}).network.hidden_size
        64
        """
        known = self.names()
        content = self.model_dump()
        for name, value in overrides.items():
            if name not in known:
                raise InputError(
                    f"there is no setting {name!r}",
                    where="--set",
                    fix=f"Did you mean {', '.join(_nearest(name, known))}?",
                )
            room, field = name.split(".", 1)
            parsed = _parsed(value)
            form = type(getattr(self, room)).model_fields[field].annotation
            if parsed is None and isinstance(value, str) and value.lower() in _choices(form):
                parsed = "none"
            several = isinstance(content[room][field], tuple) and not isinstance(parsed, list | tuple)
            content[room][field] = [parsed] if several else parsed
        try:
            return type(self).model_validate(content)
        except ValidationError as error:
            first = error.errors()[0]
            if len(first["loc"]) == 1:  # two settings of a room do not go together
                room = first["loc"][0]
                asked = [
                    f"{name}={value}" for name, value in overrides.items() if name.startswith(f"{room}.")
                ]
                raise InputError(
                    first["msg"].removeprefix("Value error, "), where=f"--set {' --set '.join(asked)}"
                ) from error
            name = ".".join(str(part) for part in first["loc"][:2])
            raise InputError(
                f"{name} = {first['input']!r} does not fit: {first['msg'][0].lower() + first['msg'][1:]}",
                where="--set",
                fix=f"It is: {known.get(name, 'see recurra info --settings')}.",
            ) from error

    @classmethod
    def names(cls) -> dict[str, str]:
        """Every setting's dotted name and what it is."""
        names = {}
        for room, outer in cls.model_fields.items():
            assert isinstance(outer.annotation, type) and issubclass(outer.annotation, BaseModel)
            for field, inner in outer.annotation.model_fields.items():
                names[f"{room}.{field}"] = inner.description or ""
        return names


class Settings(RoomsOfSettings):
    """Every choice that a person can make about a training on sequences."""

    task: TaskConfig = TaskConfig()
    text: TextConfig = TextConfig()
    batches: BatchConfig = BatchConfig()
    network: NetworkConfig = NetworkConfig()
    training: TrainingConfig = TrainingConfig()


def _nearest(name: str, known: dict[str, str]) -> list[str]:
    """Names like this one, then those whose description has its words; all where there is neither.

    >>> _nearest("netwrok.units", {"network.hidden_size": "units per layer", "training.epochs": "passes"})
    ['network.hidden_size']
    """
    field = name.rpartition(".")[2].lower()
    fields = {each.rpartition(".")[2]: each for each in known}
    near = [fields[each] for each in difflib.get_close_matches(field, fields, n=2, cutoff=0.7)]
    near += [each for each in difflib.get_close_matches(name, known, n=2, cutoff=0.8) if each not in near]
    told = [
        each for each, what in known.items() if re.search(rf"\b{re.escape(field)}\b", what, re.IGNORECASE)
    ]
    near += [each for each in told[:3] if each not in near]
    return near or difflib.get_close_matches(name, known, n=3, cutoff=0.4) or sorted(known)


def _choices(form: Any) -> set[Any]:
    """The words that a field takes, those of the parts of a union, too."""
    return {choice for part in get_args(form) for choice in (get_args(part) or {part})}


def _parsed(value: Any) -> Any:
    """What a person typed, as a value: JSON where it is JSON, a list where it has commas, else the text."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except json.JSONDecodeError:
        pass
    if "," in value:
        return [_parsed(part.strip()) for part in value.split(",")]
    return {"true": True, "false": False, "none": None}.get(value.lower(), value)
