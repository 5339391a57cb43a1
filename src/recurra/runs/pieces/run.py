"""A trained network that goes on with a piece of music."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch

from recurra.data.music import KEYS, roll_of
from recurra.data.music.batches import FrameBatches
from recurra.data.packed import Packed
from recurra.errors import InputError, RunError
from recurra.networks.piece_network import Chords, PieceNetwork
from recurra.ops.streaming.stages import Probabilities, Stage
from recurra.ops.streaming.stream import Stream
from recurra.runs.config import CONFIG, read_config
from recurra.runs.events import Measured, Observer, ignore
from recurra.runs.pieces.config import PieceRunConfig
from recurra.runs.run import METRICS, MODEL, Run, check_files, read_history, read_network
from recurra.storage import read_json
from recurra.tasks.metrics import Score
from recurra.tasks.music.sampling import Choose, Step, check_choosing, choose_chord, choose_keys, go_on
from recurra.tasks.music.scores import piece_scores, piece_sums
from recurra.tasks.music.task import chosen, likeliest, nats_of
from recurra.training.loop import predictions


@dataclass(kw_only=True, repr=False)
class PieceRun(Run[PieceRunConfig, PieceNetwork]):
    """A run that goes on with a piece of music."""

    purpose = "for going on with pieces of music"
    verb = "generate"

    def generate(
        self,
        opening: np.ndarray | None = None,
        *,
        frames: int = 200,
        temperature: float = 1.0,
        threshold: float = 0.0,
        most: int | None = None,
        seed: int = 0,
    ) -> np.ndarray:
        """(frames, 88) uint8, how a piece goes on.

        The state is carried, so that no frame costs more than the last. A transformer carries none: it reads the last
        frames anew for each, as many as the longest training piece has.

        Args:
            opening: (T, 88) what it goes on from, keys being down where it is above 0; None: the first frame of a
                training piece, drawn by the seed.
            frames: to give.
            temperature, threshold, most: how each is drawn, see `recurra.tasks.music.sampling.choose_keys`.
            seed: same seed and opening, same frames.

        Raises:
            InputError: an opening of another shape or of other things than numbers, or an option out of range.
        """
        opening = self.opening(seed=seed) if opening is None else np.asarray(opening)
        if opening.ndim != 2 or opening.shape[1] != KEYS:
            raise InputError(f"expected frames of {KEYS} keys, found shape {opening.shape}", where="opening")
        if opening.dtype.kind not in "buif" or not np.isfinite(opening).all():
            raise InputError(
                "expected 0 and 1, found other things than numbers, or infinite ones", where="opening"
            )
        choose, down = self._choose(temperature, threshold, most), (opening > 0).astype(np.uint8)
        return go_on(self._step(), choose, down, frames=frames, seed=seed)

    def _choose(self, temperature: float, threshold: float, most: int | None) -> Choose:
        check_choosing(temperature, threshold, most)
        network = self.network
        if network.inward is None or network.outward is None:
            return partial(choose_keys, temperature=temperature, threshold=threshold, most=most)
        if most is not None:
            raise InputError(
                "keys are drawn one after the other, and none is known to be among the likeliest",
                where="top_k",
                fix="Leave it out, or train with --set network.output=keys.",
            )
        inward, outward = (each.detach().cpu().double().numpy() for each in (network.inward, network.outward))

        def choose(raw: np.ndarray, rng: np.random.Generator) -> np.ndarray:
            return choose_chord(raw, inward, outward, rng, temperature=temperature, threshold=threshold)

        return choose

    def opening(self, *, seed: int = 0) -> np.ndarray:
        """(1, 88) uint8, the first frame of a training piece, drawn by the seed among some that the run keeps."""
        openings = self.config.data_schema.openings
        drawn = np.random.default_rng([seed, 1]).integers(len(openings))
        return roll_of([openings[drawn]])

    def _step(self) -> Step:
        if not self.network.config.carries_state:
            return self._reading_anew()
        stream = Stream(self.network.stages())
        return lambda frame: np.asarray(stream.step(np.ascontiguousarray(frame, dtype=np.float32)))

    def _reading_anew(self) -> Step:
        network, seen = self.network.eval(), []
        device, longest = next(network.parameters()).device, self.config.shape.steps

        @torch.no_grad()
        def step(frame: np.ndarray) -> np.ndarray:
            seen.append(torch.from_numpy(frame.astype(np.float32)))
            del seen[:-longest]
            read = torch.stack(seen).unsqueeze(0).to(device)
            output = network(read, torch.tensor([len(seen)], device=device))
            raw = output.raw if isinstance(output, Chords) else output
            return raw[0, -1].cpu().numpy()

        return step

    def sums(self, rolls: Packed, observer: Observer = ignore) -> np.ndarray:
        """(N, 5) what each of N pieces adds to the sums of `recurra.tasks.music.scores`."""
        sums, done = np.zeros((len(rolls), 5)), 0
        batches = FrameBatches(rolls, **self.config.settings.batches.model_dump())
        for batch, output in predictions(self.network, batches, "float32"):
            assert batch.target is not None
            target = batch.target.to(next(self.network.parameters()).device)
            known = ~target[..., 0].isnan()
            few, truth = chosen(output, known), target[known]
            piece = torch.arange(len(batch))[:, None].expand(known.shape)[known.cpu()].numpy()
            with torch.no_grad():
                nats = nats_of(few, truth).double().cpu().numpy()
            said, there = likeliest(few).cpu().numpy(), (truth > 0).cpu().numpy()
            sums[batch.index] = piece_sums(nats, said, there, piece, len(batch))
            done += len(batch)
            observer(Measured(done, len(rolls), "pieces"))
        return sums

    def evaluate(self, rolls: Packed, observer: Observer = ignore) -> list[Score]:
        """Negative log likelihood per frame and accuracy of keys, with intervals over the pieces."""
        return piece_scores(self.sums(rolls, observer))

    def _stages(self) -> tuple[list[Stage], Callable[[str], np.ndarray] | None]:
        if self.network.inward is not None:
            raise InputError(
                "the keys of a chord depend on each other: there is no probability of each at a single step",
                where="network.output",
                fix="Train with --set network.output=keys, or take generate, which draws chords step by step.",
            )
        stages = self.network.stages()
        return [*stages, Probabilities(stages[-1].width, several=True)], None


def load_run(folder: Path) -> PieceRun:
    """Read a run folder of this kind.

    Raises:
        RunError: a file is missing, altered, broken or of another version, or the training has not ended.
    """
    config = read_config(folder, PieceRunConfig)
    check_files(folder, config, set())
    if (config.shape.input, config.shape.input_size, config.shape.output_size) != ("features", KEYS, KEYS):
        raise RunError(
            f"a network for music reads and gives {KEYS} keys, and this one does not",
            where=str(folder / CONFIG),
            fix="Restore it, or train the run again.",
        )
    return PieceRun(
        config=config,
        network=read_network(folder / MODEL, partial(PieceNetwork, config.settings.network, config.shape)),
        metrics=read_json(folder / METRICS),
        history=read_history(folder),
        path=folder,
    )
