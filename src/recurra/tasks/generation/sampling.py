"""Choosing the next token from what a network says of it."""

from __future__ import annotations

import math
import numbers
from collections.abc import Sequence

import torch
from torch import Tensor

from recurra.errors import InputError


def probabilities(
    logits: Tensor,
    *,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    never: Sequence[int] = (),
) -> Tensor:
    """The distribution (V,) that the next token is drawn from.

        p_i = softmax(logits / temperature)_i    of the tokens that are left in, 0 of the others

    Left in are, one rule after the other:

    - all but `never`;
    - `top_k`: the k likeliest tokens (Fan et al., arXiv:1805.04833);
    - `top_p`: of these the smallest set of likeliest tokens with p_1 + p_2 + ... >= top_p, the nucleus
      (Holtzman et al., arXiv:1904.09751). So the likeliest is always in.

    Of equally likely tokens the one of the lower id comes first.

    Args:
        logits: (V,) or log-probabilities; minus infinity for what cannot come.
        temperature: below 1 the likely becomes likelier; 0 leaves nothing but the likeliest.
        top_k: 1 or more; None or V and more: all.
        top_p: above 0 and up to 1; None: all.
        never: ids that are not to come, such as padding and unknown.

    Raises:
        InputError: options out of range, logits that are NaN or leave no token.

    >>> logits = torch.tensor([0.5, 0.25, 0.25]).log()
    >>> probabilities(logits, top_k=2), probabilities(logits, temperature=0)
    (tensor([0.6667, 0.3333, 0.0000], dtype=torch.float64), tensor([1., 0., 0.], dtype=torch.float64))
    """
    check_sampling(temperature, top_k, top_p)
    scores = logits.detach().to("cpu", torch.float64, copy=True)
    if never:
        scores[list(never)] = -math.inf
    if not torch.isfinite(scores.max()):  # NaN too, which is the largest of all
        raise InputError("expected finite logits of one token at least, found none", where="logits")
    ranked = torch.sort(scores, descending=True, stable=True)
    left = torch.ones(len(scores), dtype=torch.bool)
    left[1 if temperature == 0 else top_k or len(left) :] = False
    shares = torch.softmax((ranked.values - ranked.values[0]) / (temperature or 1.0), 0) * left
    shares /= shares.sum()
    if top_p is not None:
        before = shares.cumsum(0) - shares
        left = before < top_p - 1e-12  # rounding must not let one more in
        left[0] = True
        shares = shares * left
        shares /= shares.sum()
    return torch.zeros_like(scores).scatter_(0, ranked.indices, shares)


def choose(
    logits: Tensor,
    *,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    never: Sequence[int] = (),
    generator: torch.Generator | None = None,
) -> int:
    """The id of the next token, drawn from `probabilities`; with temperature 0 the likeliest.

    Args:
        logits, temperature, top_k, top_p, never: as there.
        generator: of random numbers, on the CPU; same state, same token.

    >>> choose(torch.tensor([1.0, 3.0, 2.0]), temperature=0)
    1
    """
    shares = probabilities(logits, temperature=temperature, top_k=top_k, top_p=top_p, never=never)
    if temperature == 0:
        return int(shares.argmax())
    return int(torch.multinomial(shares, 1, generator=generator))


def check_sampling(temperature: float, top_k: int | None, top_p: float | None) -> None:
    """Refuse options out of range before anything is computed.

    Raises:
        InputError: naming the option.
    """
    if not isinstance(temperature, numbers.Real) or not 0 <= temperature < math.inf:
        raise InputError(
            f"expected a temperature of 0 or more, found {temperature!r}",
            where="temperature",
            fix="Take 1 for the network's own distribution, less for safer text, 0 for the likeliest.",
        )
    if top_k is not None and (not isinstance(top_k, numbers.Integral) or top_k < 1):
        raise InputError(
            f"expected a whole number, 1 or more, found {top_k!r}", where="top_k", fix="Leave it out for all."
        )
    if top_p is not None and (not isinstance(top_p, numbers.Real) or not 0 < top_p <= 1):
        raise InputError(
            f"expected a share above 0 and up to 1, found {top_p!r}",
            where="top_p",
            fix="Leave it out for all.",
        )
