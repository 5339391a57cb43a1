"""What is read of a Keras layer's config. What is not known is refused by name, so that nothing is passed over."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from recurra.errors import DataError
from recurra.exchange.keras_chain import Saved
from recurra.exchange.specs import Merge, Name, Share, Size, not_as_described

KNOWN = (
    "Known are Input, Embedding, Masking, SimpleRNN, LSTM, GRU, Bidirectional, Dense, TimeDistributed, Activation, "
    "ReLU, Dropout, SpatialDropout1D, GlobalAveragePooling1D, GlobalMaxPooling1D and Flatten."
)
# Options that say how weights are drawn, held small or placed, which nothing depends on once they are there.
_WITHOUT_EFFECT = frozenset(
    "name trainable dtype seed unroll implementation use_cudnn unit_forget_bias input_length batch_input_shape "
    "batch_shape".split()
)
_ENDINGS = ("_initializer", "_regularizer", "_constraint")


class Options(BaseModel):
    """What is read of a layer's config; the rest must be without effect, or off."""

    model_config = ConfigDict(extra="allow", strict=True)

    name: Name


class EmbeddingOptions(Options):
    input_dim: Size
    output_dim: Size
    mask_zero: bool = False


class MaskingOptions(Options):
    mask_value: float = 0.0


class RecurrentOptions(Options):
    units: Size
    activation: Any = "tanh"
    use_bias: bool = True
    return_sequences: bool = False
    return_state: bool = False
    go_backwards: bool = False
    stateful: bool = False
    zero_output_for_mask: bool = False
    dropout: Share = 0.0
    recurrent_dropout: Share = 0.0


class GatedOptions(RecurrentOptions):
    recurrent_activation: Any = "sigmoid"


class GruOptions(GatedOptions):
    reset_after: bool = True


class BidirectionalOptions(Options):
    merge_mode: Merge | None = "concat"
    layer: dict[str, Any]
    backward_layer: dict[str, Any] | None = None


class TimeDistributedOptions(Options):
    layer: dict[str, Any]


class DenseOptions(Options):
    units: Size
    use_bias: bool = True
    activation: Any = "linear"


class ActivationOptions(Options):
    activation: Any


class ReLUOptions(Options):
    pass


class DropoutOptions(Options):
    rate: Share


class PoolingOptions(Options):
    data_format: str | None = "channels_last"


_FORMS: dict[str, type[Options]] = {
    "Embedding": EmbeddingOptions,
    "Masking": MaskingOptions,
    "SimpleRNN": RecurrentOptions,
    "LSTM": GatedOptions,
    "GRU": GruOptions,
    "Bidirectional": BidirectionalOptions,
    "TimeDistributed": TimeDistributedOptions,
    "Dense": DenseOptions,
    "Activation": ActivationOptions,
    "ReLU": ReLUOptions,
    "Dropout": DropoutOptions,
    "SpatialDropout1D": DropoutOptions,
    "GlobalAveragePooling1D": PoolingOptions,
    "GlobalMaxPooling1D": PoolingOptions,
    "Flatten": PoolingOptions,
}


def options_of(saved: Saved, where: str) -> Options:
    form = _FORMS.get(saved.class_name)
    own_code = not str(saved.module).startswith("keras") or saved.registered_name is not None
    if form is None or own_code:
        raise DataError(f"{saved.class_name} is not known", where=where, fix=KNOWN)
    try:
        options = form.model_validate(saved.config)
    except ValidationError as error:
        raise not_as_described(error, where) from error
    extra = options.model_extra or {}
    if saved.class_name == "ReLU":
        extra = {name: value for name, value in extra.items() if value not in (0, 0.0)}
    for option, value in extra.items():
        if option in _WITHOUT_EFFECT or option.endswith(_ENDINGS) or value is None or value is False:
            continue
        raise DataError(f"the option {option}={value!r:.40} is not known", where=where)
    return options


def check_type(dtype: Any, where: str, say: Callable[[str], None]) -> None:
    if isinstance(dtype, dict):
        config = dtype.get("config")
        dtype = config.get("name") if isinstance(config, dict) else dtype.get("class_name")
    if dtype in ("mixed_float16", "mixed_bfloat16"):
        say(f"The model computes in {str(dtype).removeprefix('mixed_')}; here it computes in float32.")
    elif dtype not in (None, "float32"):
        raise DataError(f"the number type {dtype!r} is not known: float32 is", where=where)
