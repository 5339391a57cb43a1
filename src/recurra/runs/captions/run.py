"""A trained network that looks at an image, or a vector of features, and writes a caption."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import torch

from recurra.data.examples import Examples
from recurra.data.images.pixels import PixelEncoder
from recurra.data.numbers import NumberEncoder
from recurra.data.packed import Packed
from recurra.data.parallel import PairCodec
from recurra.data.schema import examples_from_arrays
from recurra.errors import DataError, RunError
from recurra.networks.caption_network import CaptionNetwork
from recurra.runs.captions.config import CaptionRunConfig
from recurra.runs.config import CONFIG, read_config
from recurra.runs.events import Measured, Observer, ignore
from recurra.runs.run import METRICS, MODEL, TOKENIZER, Run, check_files, read_history, read_network
from recurra.storage import read_json
from recurra.tasks.captioning.scores import CaptionMeasures
from recurra.tasks.metrics import Score
from recurra.tasks.translation.search import Hypothesis, search


@dataclass(frozen=True)
class Caption:
    """One answer.

    Args:
        text: what it says.
        score: the logarithm of its probability over the length penalty; the higher the better.
        log_probability: of all its ids and its end together.
    """

    text: str
    score: float
    log_probability: float


@dataclass(frozen=True)
class Gaze:
    """Where a network looked while it wrote.

    Args:
        words: ids of the caption as people read them, (T,), the end included.
        weights: (T, rows, columns) of the grid of regions, those of a word adding up to 1.
    """

    words: list[str]
    weights: np.ndarray


@dataclass(kw_only=True, repr=False)
class CaptionRun(Run[CaptionRunConfig, CaptionNetwork]):
    """A run that writes captions.

    Args:
        codec: from captions to ids and back.
        scaling: of pixels, or of the numbers of a vector.
    """

    purpose = "for captions"
    verb = "predict"

    codec: PairCodec
    scaling: NumberEncoder | PixelEncoder

    @property
    def measures(self) -> CaptionMeasures:
        """What its captions are scored by."""
        measure = self.config.settings.task.measure
        assert measure != "auto"
        return CaptionMeasures(measure)

    def encode(self, examples: Examples) -> Packed:
        """The inputs as the network reads them.

        Raises:
            DataError: texts, or images or vectors of another size than in training.
        """
        if examples.sequences is None:
            raise DataError("this run reads images or numbers, found texts")
        return self.scaling.encode(examples.sequences, examples.rows)

    def caption(
        self, examples: Examples, observer: Observer = ignore, *, beam: int | None = None
    ) -> list[list[Caption]]:
        """The best captions of each example, from the best on.

        Args:
            beam: beginnings kept side by side; None: as the settings say.
        """
        settings = self.config.settings
        if beam is not None:
            settings = settings.changed({"task.beam": beam})
        inputs, found = self.encode(examples) if len(examples) else None, []
        device, size = next(self.network.parameters()).device, settings.batches.max_batch
        self.network.eval()
        for start in range(0, len(examples), size):
            assert inputs is not None
            places = np.arange(start, min(start + size, len(examples)))
            with torch.no_grad():
                memory, state = self.network.read(self._tensor(inputs, places).to(device))
            answers = search(
                self.network.decoder,
                memory,
                state,
                np.full(len(places), settings.tokens.longest),
                boundary=self.codec.boundary,
                never=self.codec.never,
                settings=settings.task.search(),
            )
            found += [self._captions(hypotheses) for hypotheses in answers]
            observer(Measured(len(found), len(examples), "images"))
        return found

    def predict(self, inputs: Any) -> list[str]:
        """The best caption of each input.

        Args:
            inputs: Examples, or an array (N, I) of vectors, (N, H, W) or (N, H, W, C) of images from 0 to 255.

        Raises:
            DataError: images or vectors of another shape than in training.
        """
        if not isinstance(inputs, Examples):
            if not len(inputs):
                return []
            inputs = examples_from_arrays(self._of_shape(inputs))
        return [captions[0].text for captions in self.caption(inputs)]

    def evaluate(
        self, examples: Examples, observer: Observer = ignore, measures: CaptionMeasures | None = None
    ) -> list[Score]:
        """Scores of the captions against the examples' own, with intervals over examples.

        Args:
            measures: what they are scored by, where its signature is wanted afterwards.

        Raises:
            DataError: the examples have no captions.
        """
        if examples.targets is None:
            raise DataError("the data has no captions to compare with", fix="Give images with captions.")
        answers = [each[0].text for each in self.caption(examples, observer)]
        measures = measures or self.measures
        return measures.scores(measures.sums(answers, captions_of(examples)))

    def gaze(self, examples: Examples, place: int, caption: str) -> Gaze | None:
        """Where the network looks at an example while it writes `caption`; None where it has no attention."""
        said, boundary = self.codec.encode_target(caption), self.codec.boundary
        device = next(self.network.parameters()).device
        inputs = self._tensor(self.encode(examples), np.array([place])).to(device)
        read = torch.tensor([[boundary, *said.tolist()]], device=device)
        with torch.no_grad():
            output = self.network.eval()(inputs, read)
        if output.written.alignment is None:
            return None
        weights = output.written.alignment[0].float().cpu().numpy().reshape(-1, *self.network.grid)
        return Gaze(self.codec.target_pieces([*said.tolist(), boundary]), weights)

    def _tensor(self, inputs: Packed, places: np.ndarray) -> torch.Tensor:
        """(B, I) float32."""
        return torch.from_numpy(inputs.pad(places, 1)[0][:, 0].astype(np.float32, copy=False))

    def _of_shape(self, inputs: Any) -> np.ndarray:
        """(N, 1, I) of an array of images, or of vectors.

        Raises:
            DataError: they are of another shape than in training.
        """
        try:
            array = np.asarray(inputs)
        except ValueError:
            raise DataError("expected inputs of one shape, found several", where="inputs") from None
        image, shape = self.config.shape.image, array.shape[1:]
        known: list[tuple[int, ...]] = [(self.scaling.channels,)] if image is None else [image]
        if image is not None and image[2] == 1:
            known.append(image[:2])
        if shape not in known:
            wanted = " or ".join(map(str, known))
            raise DataError(
                f"expected {'vectors' if image is None else 'images'} of shape {wanted} as in training, found {shape}",
                where="inputs",
            )
        return array.reshape(len(array), 1, -1)

    def _captions(self, hypotheses: list[Hypothesis]) -> list[Caption]:
        """Captions that read alike, though of other ids, are one: the best of them."""
        found: dict[str, Caption] = {}
        for each in hypotheses:
            text = self.codec.decode(each.tokens)
            found.setdefault(text, Caption(text, each.score, each.log_probability))
        return list(found.values())

    def _stages(self) -> NoReturn:
        self.network.stages()
        raise AssertionError

    def _write_encoders(self, folder: Path) -> list[str]:
        self.codec.save(folder / TOKENIZER)
        return [TOKENIZER]


def captions_of(examples: Examples) -> list[tuple[str, ...]]:
    """The captions of each example."""
    assert examples.targets is not None
    return examples.targets.tolist()


def load_run(folder: Path) -> CaptionRun:
    """Read a run folder of this kind.

    Raises:
        RunError: a file is missing, altered, broken or of another version, or the training has not ended.
    """
    config = read_config(folder, CaptionRunConfig)
    check_files(folder, config, {TOKENIZER})
    codec = PairCodec.load(folder / TOKENIZER)
    scales = NumberEncoder if config.data_schema.pixels is None else PixelEncoder
    scaling = scales.from_json(config.numbers)
    form = config.data_schema.pixels
    if config.shape.image != (None if form is None else (form.height, form.width, form.colours)):
        raise RunError(
            "images are read of another size than the network's",
            where=str(folder / CONFIG),
            fix="Restore it, or train the run again.",
        )
    found = codec.target_size, scaling.size
    expected = config.shape.output_size, config.shape.input_size
    if found != expected:
        raise RunError(
            f"{found[0]:,} ids and {found[1]:,} numbers do not fit a network of {expected[0]:,} and {expected[1]:,}",
            where=str(folder / CONFIG),
            fix="Restore it, or train the run again.",
        )
    return CaptionRun(
        config=config,
        network=read_network(folder / MODEL, partial(CaptionNetwork, config.settings.network, config.shape)),
        codec=codec,
        scaling=scaling,
        metrics=read_json(folder / METRICS),
        history=read_history(folder),
        path=folder,
    )
