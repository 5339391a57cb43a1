"""Runs that write text: how surprising each token is, and what the next one depends on."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from recurra.errors import DataError, InputError
from recurra.explanation.attribution import Question, attribute
from recurra.explanation.gates import gate_courses
from recurra.explanation.result import Course, Explained, Part
from recurra.explanation.sequences import frozen
from recurra.networks.language import LanguageNetwork
from recurra.runs.events import Observer
from recurra.runs.texts.run import TextRun, begin_of

MOST = 500  # tokens that are read
CONTEXT = 100  # tokens before the next one that are looked at
_NEXT = 5  # likeliest tokens
_BASELINE = "the mean of all tokens' vectors"


def explain_text(run: TextRun, text: str, name: str, of: str | None, observer: Observer) -> Explained:
    """Explain how `text` was to be expected, and how it goes on.

    Args:
        of: the next token to explain; None: the likeliest.

    Raises:
        DataError: no token in it.
        InputError: `of` is not one token that the run knows.
    """
    ids = run.codec.encode(text).astype(np.int64)
    if not len(ids):
        raise DataError("the text is empty, so there is nothing to explain", where=name)
    level, notes = run.codec.level, []
    if len(ids) > MOST:
        notes.append(f"of {len(ids):,} {level}s the last {MOST} are read, as if the text began there")
        ids = ids[-MOST:]
    if (unknown := int((ids == run.codec.unknown_id).sum())) > 0:
        notes.append(
            f"{unknown:,} of {len(ids):,} {level}s were not learned; to the network they are all the same"
        )
    network = frozen(run.network)
    assert isinstance(network, LanguageNetwork)
    read = torch.from_numpy(np.concatenate([[begin_of(run.codec)], ids]))
    window = None if network.config.carries_state else run.config.settings.windows.steps
    chances = _chances(network, read, window)  # (T + 1, V)
    never = list(run.codec.never)
    writes = chances.clone()  # what is written is never one of these
    writes[:, never] = 0
    writes /= writes.sum(1, keepdim=True)
    token = int(writes[-1].argmax()) if of is None else _token(run, of)
    pieces = [_shown(piece) for piece in run.codec.shown(text)][-len(ids) :]
    parts = [Part(piece, k, k + 1, bool(ids[k] != 1)) for k, piece in enumerate(pieces)]
    values = chances[:-1].gather(1, read[1:, None])[:, 0]
    likeliest = writes[:-1].argmax(1).tolist()
    following = writes[-1].topk(min(_NEXT, writes.shape[1] - len(never))).indices.tolist()
    told = {_piece(run, k): float(writes[-1, k]) for k in following}
    told[_piece(run, token)] = float(writes[-1, token])
    bits = float(-values.clamp(min=1e-30).log2().mean())
    gates = gate_courses(network, (read[None],), parts, np.arange(len(ids)) + 1)
    context = read if window is None else read[-window:]
    question = _question(network, context, token, never, len(ids), _quoted(_piece(run, token)))
    if len(ids) > CONTEXT:
        notes.append(
            f"of what is before the next {level}, the last {int(question.there.sum())} {level}s are looked at"
        )
    if not gates:
        notes.append(f"{network.config.cell_name}: there is no gate that decides between old and new")
    best = ", ".join(f"{_quoted(piece)} ({p:.3f})" for piece, p in list(told.items())[:3])
    how = (
        "One pass, in which the state is carried from each to the next"
        if window is None
        else f"Each is told from the {window} before it, as when it writes"
    )
    return Explained(
        name=name,
        answer=f"next comes {best}; {bits:.2f} bits of surprise per {level} so far",
        answers=told,
        parts=parts,
        columns=["text"],
        course=Course(
            of=f"probability of each {level}, told from those before it",
            share=True,
            before=None,
            values=[float(p) for p in values],
            says=[_piece(run, k) for k in likeliest],
            how=how,
        ),
        attribution=attribute(question, observer),
        gates=gates,
        notes=notes,
    )


def _chances(network: LanguageNetwork, read: Tensor, window: int | None) -> Tensor:
    """(T, V) probabilities of the token after each; with a `window` from so many before it at most."""
    with torch.no_grad():
        if window is None or len(read) <= window:
            return network(read[None]).logits[0].softmax(1)
        first = network(read[None, :window]).logits[0].softmax(1)
        later = [network(each[None]).logits[0, -1].softmax(0) for each in read.unfold(0, window, 1)[1:]]
        return torch.cat([first, torch.stack(later)])


def _token(run: TextRun, of: str) -> int:
    """The id of the token `of`, with the blank before it where words are written so."""
    codec = run.codec
    for text in (of, f" {of}") if of.strip() else (of,):
        ids = codec.encode(text)
        if len(ids) == 1 and ids[0] not in codec.never:
            return int(ids[0])
    raise InputError(
        f"expected one {codec.level} that the run knows, found {of!r}",
        where="--of",
        fix="Leave it out to explain the likeliest.",
    )


def _question(
    network: LanguageNetwork, context: Tensor, token: int, never: list[int], count: int, named: str
) -> Question:
    """Over the vectors of the last tokens of `context`, whose last `count` at most are parts.

    The beginning of the text, which stands before the first token, is never taken away.

    Args:
        token, never: the id that is explained, and those that are never written.
    """
    others = torch.ones(network.embedding.num_embeddings, dtype=torch.bool)
    others[[token, *never]] = False
    given: list[Tensor] = []
    network.embedding.register_forward_hook(lambda *_: given.pop())
    vectors, nothing = network.embedding.weight[context], network.embedding.weight[2:].mean(0)
    seen = min(CONTEXT, count, len(context) - (len(context) == count + 1))
    there = torch.zeros(count, 1, dtype=torch.bool)
    there[count - seen :] = True

    def without(mask: Tensor) -> tuple[Tensor, ...]:
        taken = torch.zeros(len(mask), len(context), 1, dtype=torch.bool)
        taken[:, len(context) - seen :] = mask[:, count - seen :]
        return (torch.where(taken, nothing, vectors),)

    def value(vectors: Tensor) -> Tensor:
        given.append(vectors)
        output = network(context.expand(len(vectors), -1))
        logits = torch.nn.functional.linear(output.dropped[:, -1], output.weight, output.bias)
        return logits[:, token] - logits[:, others].logsumexp(1)

    def cells(attributions: tuple[Tensor, ...]) -> Tensor:
        own = attributions[0].sum(-1)
        found = torch.zeros(count, 1, dtype=own.dtype)
        found[count - seen :, 0] = own[len(context) - seen :]
        return found

    return Question(
        of=f"log-odds that {named} comes next",
        value=value,
        without=without,
        cells=cells,
        there=there,
        steps=len(context),
        baseline=_BASELINE,
    )


def _piece(run: TextRun, token: int) -> str:
    return _shown("".join(run.codec.pieces([token])) or run.codec.tokens[token])


def _shown(piece: str) -> str:
    """A line's end has a sign of its own."""
    return piece.replace("\n", "⏎")


def _quoted(piece: str) -> str:
    return f"‘{piece}’"
