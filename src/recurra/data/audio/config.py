"""The choices of the features that are made of sound."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from recurra.errors import InputError

Centre = Literal["speaker", "recording", "running", "none"]
Centred = Literal["bands", "all", "running", "none"]
HIGHEST_RATE = 16_000  # samples per second that speech needs
# Up to 8,000 samples per second, where more bands tell voices apart rather than words, and above.
_FEW_MELS, _MELS = 24, 80
_SHORT = 2.0  # seconds, in which the mean of a band tells more of the word than of the microphone


class AudioConfig(BaseModel):
    """How sound becomes features. Every field can be set on the command line: `--set audio.mels=64`."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    rate: int | None = Field(
        default=None,
        ge=1000,
        le=192_000,
        description="samples per second that every recording is brought to; unset: the commonest, 16,000 at most",
    )
    mels: int | None = Field(
        default=None,
        ge=4,
        le=256,
        description="bands of the filterbank; unset: 24 up to 8,000 samples per second, else 80",
    )
    window_ms: float = Field(default=25.0, gt=0, le=1000, description="length of a window")
    hop_ms: float = Field(default=10.0, gt=0, le=1000, description="from one window to the next")
    lowest_hz: float = Field(
        default=80.0, ge=0, description="where the lowest band begins: below hums the mains"
    )
    pre_emphasis: float = Field(
        default=0.97, ge=0, lt=1, description="share of the sample before that is taken off each; 0 for none"
    )

    centre: Centre | None = Field(
        default=None,
        description="sound less its mean over the whole recording, over the steps up to there (running), over all that "
        "its speaker says loudly (speaker), or as it is (none); unset: recording, or running for a network that reads "
        "forwards alone; speaker where most recordings are shorter than two seconds and a column says who speaks",
    )
    centre_bands: bool | None = Field(
        default=None,
        description="each band less its own mean; false: less the level of all bands together, which is how loud it "
        "is; unset: its own, but where most recordings are shorter than two seconds",
    )
    usual_voice: tuple[float, ...] | None = Field(
        default=None, description="mean of each band in what speakers say loudly; unset: of the training part"
    )

    @property
    def centred(self) -> Centred:
        """What was taken off: the mean of each of the "bands"; the one level of "all" bands, of the whole recording or
        up to each step ("running"); "none".
        """
        if self.centre == "none":
            return "none"
        if self.centre == "speaker":
            return "all"
        if self.centre_bands is not False:
            return "bands"
        return "running" if self.centre == "running" else "all"

    @model_validator(mode="after")
    def _bands_fit(self) -> Self:
        if self.rate is not None and self.lowest_hz >= self.rate / 2:
            raise ValueError(f"lowest_hz {self.lowest_hz:g} is above the highest of {self.rate} per second")
        if self.usual_voice is not None and self.mels is not None and len(self.usual_voice) != self.mels:
            raise ValueError(f"usual_voice has {len(self.usual_voice)} numbers for {self.mels} bands")
        if self.centre == "speaker" and self.centre_bands:
            raise ValueError(
                "centre=speaker takes the level of each recording off first: leave centre_bands out"
            )
        if self.rate is not None and self.hop_ms * self.rate < 1000:
            raise ValueError(f"hop_ms {self.hop_ms:g} is less than a sample of {self.rate} per second")
        return self

    def settled(
        self,
        rates: Sequence[int],
        seconds: Sequence[float] = (),
        *,
        streams: bool = False,
        speakers: bool = False,
    ) -> AudioConfig:
        """The same with rate, mels and centre, chosen for recordings of these rates and lengths where they are unset.

        Args:
            streams: whether the network reads forwards alone.
            speakers: whether it is known who speaks.

        Raises:
            InputError: what is said does not fit what is chosen.

        >>> AudioConfig().settled([8000, 8000, 44100]).rate, AudioConfig().settled([44100]).mels
        (8000, 80)
        >>> AudioConfig().settled([8000], [0.4]).centre_bands, AudioConfig().settled([8000], [7.0]).centre_bands
        (False, True)
        >>> AudioConfig().settled([8000], [0.4], speakers=True).centre
        'speaker'
        """
        rate = self.rate
        if rate is None:
            commonest = max(sorted(set(rates)), key=list(rates).count) if rates else HIGHEST_RATE
            rate = min(commonest, HIGHEST_RATE)
        mels = self.mels or (_FEW_MELS if rate <= HIGHEST_RATE // 2 else _MELS)
        bands, centre = self.centre_bands, self.centre
        short = bool(seconds) and median(seconds) < _SHORT
        if centre is None:
            told_apart = speakers and short and not bands
            centre = "running" if streams else "speaker" if told_apart else "recording"
        if bands is None:
            bands = centre != "speaker" and not short
        chosen = {"rate": rate, "mels": mels, "centre": centre, "centre_bands": bands}
        try:
            return AudioConfig.model_validate(self.model_dump() | chosen)
        except ValidationError as error:
            problem = error.errors()[0]["msg"].removeprefix("Value error, ")
            raise InputError(
                problem,
                where=f"audio.{problem.partition(' ')[0]}",  # the sentences above begin with the field
                fix=f"The recordings are heard at {rate:,} samples per second, in {mels} bands.",
            ) from error
