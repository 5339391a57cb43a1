"""Generating token by token: the state goes from step to step, so that no token costs more than the last."""

from __future__ import annotations

import numbers
from collections.abc import Callable, Iterator, Sequence
from itertools import chain, islice
from typing import Any

import numpy as np
import torch
from torch import Tensor

from recurra.data.corpus import TokenCodec
from recurra.errors import InputError
from recurra.tasks.generation.sampling import check_sampling, choose

Step = Callable[[int, Any], tuple[Tensor, Any]]
_LARGEST_SEED = 2**63 - 1


def generate(
    step: Step,
    prompt_ids: Sequence[int] | np.ndarray,
    *,
    max_tokens: int = 200,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    never: Sequence[int] = (0, 1),
    seed: int = 0,
    state: Any = None,
) -> Iterator[int]:
    """Go on from a prompt, a token as it is chosen.

    Args:
        step: reads a token: `step(id, state) -> logits (V,), state`; the first state is `state`.
        prompt_ids: what is read first; at least one id.
        max_tokens: tokens to give.
        temperature, top_k, top_p, never: how each is chosen, see `recurra.tasks.generation.sampling`.
        seed: same seed, step and prompt, same tokens.
        state: what `step` begins with; None: its own beginning.

    Raises:
        InputError: no prompt, or an option out of range; before the first token is asked for.

    >>> def step(token, state):
    ...     return torch.eye(5)[(token + 1) % 5], state
    >>> list(generate(step, [2], max_tokens=3, temperature=0, never=()))
    [3, 4, 0]
    """
    check_sampling(temperature, top_k, top_p)
    prompt = [int(i) for i in prompt_ids]
    if not prompt:
        raise InputError("expected one token or more to go on from, found none", where="prompt")
    if not isinstance(max_tokens, numbers.Integral) or max_tokens < 0:
        raise InputError(f"expected a whole number, 0 or more, found {max_tokens!r}", where="max_tokens")
    if not isinstance(seed, numbers.Integral) or not 0 <= seed <= _LARGEST_SEED:
        raise InputError(f"expected a whole number from 0 to {_LARGEST_SEED}, found {seed!r}", where="seed")
    generator = torch.Generator().manual_seed(int(seed))

    def tokens() -> Iterator[int]:
        carried, logits = state, None
        for token in prompt:
            logits, carried = step(token, carried)
        for n in range(max_tokens):
            assert logits is not None
            token = choose(
                logits,
                temperature=temperature,
                top_k=top_k,
                top_p=top_p,
                never=never,
                generator=generator,
            )
            yield token
            if n + 1 < max_tokens:
                logits, carried = step(token, carried)

    return tokens()


def generate_text(
    step: Step,
    codec: TokenCodec,
    prompt: str = "",
    *,
    stop: str | Sequence[str] | None = (),
    max_tokens: int = 200,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    seed: int = 0,
) -> Iterator[str]:
    """Go on from a prompt, in pieces of text as they are made; joined they are the text, without the prompt.

    A piece holds whole characters only. Padding and unknown are never chosen. Where the prompt ends in a blank, the
    first word comes without its own.

    Args:
        step: as `generate` has it.
        codec: turns the prompt into ids, and ids into text.
        prompt: what to go on from; empty: the beginning of a line.
        stop: a text, or several, before which the generated text ends; it is not given out.
        max_tokens, temperature, top_k, top_p, seed: as `generate` has it.

    >>> codec = TokenCodec.fit("abcd")
    >>> def step(token, state):
    ...     return torch.eye(6)[2 + (token - 1) % 4], state
    >>> "".join(generate_text(step, codec, "a", max_tokens=5, temperature=0))
    'bcdab'
    >>> "".join(generate_text(step, codec, "a", stop="da", max_tokens=5, temperature=0))
    'bc'
    """
    stops = [stop] if isinstance(stop, str) else list(stop or ())
    if not all(isinstance(text, str) for text in stops):
        raise InputError(f"expected texts to stop at, found {stops!r}", where="stop")
    if "" in stops and stops != [""]:
        raise InputError("expected texts to stop at, found an empty one", where="stop")
    stops = [text for text in stops if text]
    prompt_ids = codec.encode_prompt(prompt).tolist()
    made = generate(
        step,
        prompt_ids,
        max_tokens=max_tokens,
        temperature=temperature,
        top_k=top_k,
        top_p=top_p,
        never=codec.never,
        seed=seed,
    )
    # The prompt is decoded too: whether a word has a blank before it depends on what stands there.
    pieces = islice(codec.pieces(chain(prompt_ids, made)), len(prompt_ids), None)
    return _until(_without_blank(pieces) if codec.ends_in_blank(prompt) else pieces, stops)


def _without_blank(pieces: Iterator[str]) -> Iterator[str]:
    """The pieces, joined without the blank that they begin with, if any."""
    first = next((piece for piece in pieces if piece), "")
    return chain([first.removeprefix(" ")], pieces)


def _until(pieces: Iterator[str], stops: Sequence[str]) -> Iterator[str]:
    """The pieces up to the first of `stops`; an end that may begin one is held back until it is known."""
    held = ""
    for piece in pieces:
        held += piece
        ends = [at for stop in stops if (at := held.find(stop)) >= 0]
        if ends:
            if min(ends):
                yield held[: min(ends)]
            return
        doubtful = max((_overlap(held, stop) for stop in stops), default=0)
        ready = len(held) - doubtful
        if ready:
            yield held[:ready]
            held = held[ready:]
    if held:
        yield held


def _overlap(text: str, stop: str) -> int:
    """Characters at the end of `text` that `stop` begins with."""
    return next((n for n in range(min(len(stop) - 1, len(text)), 0, -1) if text.endswith(stop[:n])), 0)
