"""What a person types, as the setting takes it."""

from __future__ import annotations

import pytest

from recurra.tasks.forecasting.settings import ForecastSettings
from recurra.tasks.settings import Settings
from recurra.tasks.transcription.settings import TranscriptionSettings


@pytest.mark.parametrize("typed", ["none", '"none"'])
def test_none_is_a_word_where_it_is_one_of_the_choices(typed):
    assert ForecastSettings().changed({"network.normalisation": typed}).network.normalisation == "none"
    assert TranscriptionSettings().changed({"audio.centre": typed}).audio.centre == "none"
    balanced = Settings().changed({"task.class_weight": "balanced"})
    assert balanced.changed({"task.class_weight": typed}).task.class_weight == "none"


@pytest.mark.parametrize("typed", ["none", "null"])
def test_none_is_nothing_elsewhere(typed):
    before = Settings().changed({"text.max_steps": "30"})
    assert before.text.max_steps == 30
    assert before.changed({"text.max_steps": typed}).text.max_steps is None


def test_null_unsets_what_has_the_word_none_too():
    assert TranscriptionSettings().changed({"audio.centre": "null"}).audio.centre is None
