"""A run that writes text beside one that writes down: chosen how much it weighs, and kept within the run."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np

from recurra.data.transcripts.alphabet import Alphabet
from recurra.errors import InputError
from recurra.runs.config import CONFIG
from recurra.runs.events import Measured, Observer, Said
from recurra.runs.loading import load_as
from recurra.runs.recordings.config import FusionChoice
from recurra.runs.run import LANGUAGE, METRICS, MODEL, TOKENIZER
from recurra.runs.texts.run import TextRun
from recurra.storage import make_folder
from recurra.tasks.transcription.decoding import Fusion, make_decoder
from recurra.tasks.transcription.language import CharacterLanguage, fusion_of
from recurra.tasks.transcription.scores import transcript_sums
from recurra.tasks.transcription.settings import DecodingConfig

FOLDER = LANGUAGE
FILES = [f"{FOLDER}/{name}" for name in (CONFIG, MODEL, TOKENIZER, METRICS)]
_WEIGHTS, _BONUSES = (0.0, 0.2, 0.5, 1.0), (0.0, 1.0, 2.0)
_TRIED_ON = 100  # validation sequences


def open_language(path: str, alphabet: Alphabet, observer: Observer) -> TextRun:
    """The run of a language model, checked.

    Raises:
        RunError: no such run, or one of another kind.
        InputError: one that cannot score single characters.
    """
    run = load_as(path, TextRun)
    scorer = CharacterLanguage(run.network, run.codec, alphabet)
    if scorer.unknown:
        shown = ", ".join(map(repr, scorer.unknown[:10]))
        observer(Said(f"the language model of {path} does not know all of: {shown}", "warning"))
    return run


def refuse_unchosen(decoding: DecodingConfig, validated: int) -> None:
    """See, before anything is trained, that how much a language model weighs is said, or can be chosen.

    Args:
        validated: sequences of the validation part.

    Raises:
        InputError: neither.
    """
    if validated or None not in (decoding.lm_weight, decoding.word_bonus):
        return
    raise InputError(
        "how much the language model weighs is chosen on a validation part, and there is none",
        where="--lm",
        fix="Hold one out (--validation 0.1), or say it: --set decoding.lm_weight=0.5 --set decoding.word_bonus=1.",
    )


def fused(language: TextRun, alphabet: Alphabet, choice: FusionChoice) -> Fusion:
    """The language model as a search takes it."""
    scorer = CharacterLanguage(language.network, language.codec, alphabet)
    return fusion_of(scorer, alphabet, choice.weight, choice.word_bonus)


def places_tried(count: int) -> np.ndarray:
    """Those of so many validation sequences that weights are tried on: a hundred at most, spread evenly."""
    return np.unique(np.linspace(0, count - 1, min(_TRIED_ON, count)).round().astype(np.int64))


def choose_fusion(
    language: TextRun,
    source: str,
    alphabet: Alphabet,
    decoding: DecodingConfig,
    log_p: list[np.ndarray],
    references: list[str],
    observer: Observer,
) -> FusionChoice:
    """Weight and bonus with the fewest wrong words, of equals the fewest wrong characters, on validation sequences.

    Args:
        log_p: of the sequences at `places_tried`.
        references: their texts.
    """
    weights = _WEIGHTS if decoding.lm_weight is None else (decoding.lm_weight,)
    bonuses = _BONUSES if decoding.word_bonus is None else (decoding.word_bonus,)
    if len(weights) * len(bonuses) == 1:
        return FusionChoice(weight=weights[0], word_bonus=bonuses[0], source=source, why="as asked")
    scorer = CharacterLanguage(language.network, language.codec, alphabet)
    tried: list[tuple[tuple[float, float], float, float]] = []
    count = len(weights) * len(bonuses)
    for weight in weights:
        for bonus in bonuses:
            fusion = fusion_of(scorer, alphabet, weight, bonus)
            said = [_written(each, alphabet, decoding.beam, fusion) for each in log_p]
            sums = transcript_sums(said, references).sum(0)
            tried.append(((sums[0], sums[2]), weight, bonus))
            observer(Measured(len(tried), count, "weights of the language model"))
    errors, weight, bonus = min(tried)
    why = f"{errors[0]:.0f} wrong words in {len(log_p)} validation sequences, the fewest of {count} choices"
    choice = FusionChoice(weight=weight, word_bonus=bonus, source=source, why=why)
    observer(Said(f"language model: {choice.told}"))
    return choice


def write_language(language: TextRun, folder: Path) -> list[str]:
    """Keep the language model within a run's folder, so that it can be taken elsewhere; returns the files' names."""
    make_folder(folder / FOLDER)
    copy.copy(language).write(folder / FOLDER)  # a copy, for writing it changes where a run says that it lies
    return FILES


def _written(log_p: np.ndarray, alphabet: Alphabet, beam: int, fusion: Any) -> str:
    decoder = make_decoder(beam, fusion)
    decoder.advance(log_p)
    return alphabet.decode(decoder.best())
