"""Files that cannot be read: one sentence that says what is wrong, and nothing large is ever allocated."""

from __future__ import annotations

import copy
import io
import json
import random
import struct
import sys
import zipfile

import numpy as np
import pytest

from recurra.errors import DataError, InputError
from recurra.exchange.keras_file import read_keras
from tests.exchange.keras_files import (
    drawn,
    drawn_cell,
    functional,
    h5py,
    input_layer,
    layer,
    recurrent,
    sequential,
    tensor,
    weights_file,
    write_keras,
)


def model(**options):
    return sequential(
        input_layer(None, 3), recurrent("LSTM", "lstm", 4, **options), layer("Dense", "out", units=2)
    )


def arrays():
    rng = np.random.default_rng(0)
    return {
        "layers/lstm/cell": drawn_cell(rng, "LSTM", 3, 4),
        "layers/dense": [drawn(rng, 4, 2), drawn(rng, 2)],
    }


def refused(path, message, kind=DataError):
    with pytest.raises(kind) as caught:
        read_keras(path)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert path.name in str(caught.value)


def test_the_file_they_are_made_from_is_good(tmp_path):
    assert len(read_keras(write_keras(tmp_path / "m.keras", model(), arrays())).layers) == 2


@pytest.mark.parametrize(
    ("one", "message"),
    [
        (layer("Conv1D", "conv", filters=3), "layer 'conv' (Conv1D): Conv1D is not known. Known are Input"),
        (layer("Lambda", "code", function={"class_name": "__lambda__"}), "Lambda is not known"),
        (
            recurrent("LSTM", "lstm", 4, recurrent_activation="hard_sigmoid"),
            "recurrent_activation 'hard_sigmoid'",
        ),
        (recurrent("GRU", "gru", 4, activation="relu"), "activation 'relu' is not known here: tanh is"),
        (recurrent("SimpleRNN", "rnn", 4, activation="selu"), "tanh and relu are"),
        (recurrent("LSTM", "lstm", 0), "units cannot be 0"),
        (recurrent("LSTM", "lstm", 2**40), "units cannot be"),
        (recurrent("LSTM", "lstm", "4"), "units cannot be '4'"),
        (recurrent("LSTM", "lstm", 4, invented=3), "the option invented=3 is not known"),
        (layer("Dense", "dense", units=2, activation="sparsemax"), "the activation 'sparsemax' is not known"),
        (
            layer("Dense", "dense", units=2, activation={"class_name": "LeakyReLU", "config": {}}),
            "is a LeakyReLU",
        ),
        (layer("Dense", "dense", units=2, dtype="float16"), "the number type 'float16' is not known"),
        (layer("ReLU", "relu", max_value=6.0), "max_value=6.0 is not known"),
        (layer("Embedding", "words", input_dim=3, output_dim=2), "expected (batch, steps)"),
        (layer("GlobalMaxPooling1D", "max", data_format="channels_first"), "channels_first"),
        (layer("Bidirectional", "both", merge_mode=None, layer=recurrent("GRU", "g", 4)), "two outputs"),
        (layer("TimeDistributed", "each", layer=recurrent("GRU", "g", 4)), "GRU within TimeDistributed"),
        ({**recurrent("LSTM", "lstm", 4), "module": "mine", "registered_name": "mine>LSTM"}, "is not known"),
        (layer("Masking", "skip", mask_value=float("nan")), "cannot be nan"),
        (recurrent("LSTM", "a\nb", 4), "name cannot be"),
        ({**recurrent("LSTM", "lstm", 4), "class_name": "L\x1b[31m"}, "class_name"),
        ({"class_name": "LSTM"}, "config: Field required"),
        ("LSTM", "not as Keras writes it"),
    ],
)
def test_what_is_not_known_is_named(tmp_path, one, message):
    refused(write_keras(tmp_path / "m.keras", sequential(input_layer(None, 3), one), arrays()), message)


def test_a_model_that_is_no_chain_is_refused(tmp_path):
    good = functional(input_layer(None, 3), recurrent("LSTM", "lstm", 4), layer("Dense", "out", units=2))
    assert len(read_keras(write_keras(tmp_path / "good.keras", good, arrays())).layers) == 2
    layers = good["config"]["layers"]
    changes = {
        "is used 2 times": lambda c: c[1]["inbound_nodes"].append(c[1]["inbound_nodes"][0]),
        "reads more than the layer before": lambda c: c[2]["inbound_nodes"][0]["args"].append(tensor("lstm")),
        "stands beside it": lambda c: c.append({**copy.deepcopy(layers[2]), "name": "beside"}),
        "a mask of its own": lambda c: c[1]["inbound_nodes"][0]["kwargs"].update(mask=tensor("input_layer")),
        "nothing reads what input_layer gives": lambda c: c[1]["inbound_nodes"][0].update(
            args=[tensor("lstm", 1)]
        ),
        "not said as Keras 3 says it": lambda c: c[1].update(inbound_nodes=[["lstm"]]),
    }
    for message, change in changes.items():
        config = copy.deepcopy(good)
        change(config["config"]["layers"])
        if message == "stands beside it":
            config["config"]["layers"][3]["inbound_nodes"][0]["args"] = [tensor("out")]
        refused(write_keras(tmp_path / "m.keras", config, arrays()), message)
    for key, message in (("input_layers", "several inputs"), ("output_layers", "several outputs")):
        config = copy.deepcopy(good)
        config["config"][key] = [["lstm", 0, 0], ["out", 0, 0]]
        refused(write_keras(tmp_path / "m.keras", config, arrays()), message)
    own = {**good, "module": "mine", "class_name": "MyModel"}
    refused(write_keras(tmp_path / "m.keras", own, arrays()), "a class with code of its own")


def test_weights_that_do_not_fit_are_refused(tmp_path):
    short, other, doubles, gone, astray = arrays(), arrays(), arrays(), arrays(), arrays()
    del short["layers/lstm/cell"][2]
    other["layers/lstm/cell"][0] = other["layers/lstm/cell"][0][:, :-1]
    doubles["layers/dense"][1] = doubles["layers/dense"][1].astype(float)
    del gone["layers/dense"]
    astray["layers/dense"][1][0] = np.nan
    for given, message in (
        (short, "layers/lstm/cell has 2 weights"),
        (other, "shape (3, 15)"),
        (doubles, "is float64"),
        (gone, "layers/dense/vars is missing"),
        (astray, "layers/dense/vars/1 holds NaN"),
    ):
        refused(write_keras(tmp_path / "m.keras", model(), given), message)


def test_files_of_other_kinds_are_named(tmp_path):
    (tmp_path / "old.h5").write_bytes(weights_file(arrays()))
    refused(tmp_path / "old.h5", 'keras.models.load_model("old.h5").save("old.keras")')
    refused(
        write_keras(tmp_path / "two.keras", model(), arrays(), version="2.15.0"), "found one of Keras 2.15.0"
    )
    (tmp_path / "folder.keras").mkdir()
    refused(tmp_path / "folder.keras", "this is a folder")
    refused(tmp_path / "absent.keras", "there is no such file")
    with zipfile.ZipFile(tmp_path / "zip.keras", "w") as archive:
        archive.writestr("data.pkl", b"")
    refused(tmp_path / "zip.keras", "metadata.json is not in it")
    for config, message in (
        (b"[1]", "holds no object"),
        (b"{", "not valid JSON"),
        (b"[" * 10**5, "not valid JSON"),
    ):
        refused(write_keras(tmp_path / "json.keras", config, arrays()), message)
    refused(write_keras(tmp_path / "hdf.keras", model(), b"no HDF5"), "is no HDF5 file")


def test_a_file_cut_short_is_refused_wherever_it_is_cut(tmp_path):
    whole = write_keras(tmp_path / "m.keras", model(), arrays()).read_bytes()
    for end in (0, 7, 100, len(whole) // 2, len(whole) - 1):
        path = tmp_path / f"cut{end}.keras"
        path.write_bytes(whole[:end])
        refused(path, "it is not a zip archive, or it ends too early")
    content = weights_file(arrays())
    for end in (20, len(content) // 2, len(content) - 8):
        refused(write_keras(tmp_path / "cut.keras", model(), content[:end]), "model.weights.h5")
    flipped = bytearray(whole)
    flipped[whole.index(b"keras_version")] ^= 1
    (tmp_path / "flipped.keras").write_bytes(flipped)
    refused(tmp_path / "flipped.keras", "cannot be unpacked")


def test_a_damaged_file_is_read_or_refused_whatever_the_libraries_raise(tmp_path):
    content, draw, kinds = weights_file(arrays()), random.Random(0), set()
    for _ in range(250):
        damaged = bytearray(content)
        damaged[draw.randrange(len(content))] = draw.randrange(256)
        path = write_keras(tmp_path / "m.keras", model(), bytes(damaged))
        try:
            read_keras(path)
        except DataError as error:
            kinds.add(type(error.__cause__))
    assert RuntimeError in kinds  # of h5py
    packed = bytearray(
        write_keras(tmp_path / "p.keras", model(), content, compression=zipfile.ZIP_LZMA).read_bytes()
    )
    for place in range(60, 70):
        packed[place] ^= 0xFF
    (tmp_path / "p.keras").write_bytes(packed)
    refused(tmp_path / "p.keras", "cannot be unpacked")


def test_sizes_that_cannot_be_are_refused_before_anything_is_allocated(tmp_path):
    """Each of these would take more memory than the machine has."""
    huge = 2**23
    refused(
        write_keras(
            tmp_path / "units.keras", sequential(input_layer(None, 3), recurrent("LSTM", "l", huge)), arrays()
        ),
        "numbers, and model.weights.h5 has",
    )
    config = sequential(
        input_layer(None),
        layer("Embedding", "e", input_dim=huge, output_dim=huge),
        recurrent("LSTM", "lstm", 4),
    )
    refused(write_keras(tmp_path / "table.keras", config, arrays()), "numbers, and model.weights.h5 has")

    bomb = write_keras(tmp_path / "bomb.keras", model(), bytes(2**26), compression=zipfile.ZIP_DEFLATED)
    refused(bomb, "would unpack to 67,108,864 bytes")
    lying = bytearray(write_keras(tmp_path / "m.keras", model(), arrays()).read_bytes())
    at = lying.rindex(b"model.weights.h5") - 46  # its entry of the directory: sizes 20 and 24 bytes on
    lying[at + 24 : at + 28] = struct.pack("<I", 2**32 - 2)
    (tmp_path / "lying.keras").write_bytes(lying)
    refused(tmp_path / "lying.keras", "would unpack to")

    content = io.BytesIO()
    with h5py.File(content, "w") as file:  # a hundred bytes that say they are many
        group = file.create_group("layers/lstm/cell/vars")
        group.create_dataset("0", (3, 16), "f4", chunks=(3, 16), compression="gzip")
    refused(write_keras(tmp_path / "hollow.keras", model(), content.getvalue()), "layers/lstm/cell")


def test_nothing_outside_of_the_file_is_read(tmp_path):
    secret = tmp_path / "secret.h5"
    secret.write_bytes(weights_file(arrays()))
    content = io.BytesIO()
    with h5py.File(content, "w") as file:
        file["layers/lstm"] = h5py.ExternalLink(str(secret), "layers/lstm")
    refused(
        write_keras(tmp_path / "link.keras", model(), content.getvalue()), "is missing in model.weights.h5"
    )

    content = io.BytesIO()
    (tmp_path / "raw").write_bytes(bytes(1000))
    with h5py.File(content, "w") as file:
        group = file.create_group("layers/lstm/cell/vars")
        external = [(str(tmp_path / "raw"), 0, h5py.h5f.UNLIMITED)]
        group.create_dataset("0", (3, 16), "f4", external=external)
        group.create_dataset("1", data=arrays()["layers/lstm/cell"][1])
        group.create_dataset("2", data=arrays()["layers/lstm/cell"][2])
    refused(write_keras(tmp_path / "raw.keras", model(), content.getvalue()), "not stored as Keras stores it")


def test_what_goes_in_must_be_said(tmp_path):
    only = sequential(recurrent("LSTM", "lstm", 4))
    refused(write_keras(tmp_path / "m.keras", only, arrays()), "does not say what the model reads")
    only["config"]["build_input_shape"] = [None, 5, 3]
    assert read_keras(write_keras(tmp_path / "m.keras", only, arrays())).description.steps == 5
    for shape in ([3], [None, None], [None, None, 3, 3]):
        config = sequential(input_layer(*shape), recurrent("LSTM", "lstm", 4))
        refused(write_keras(tmp_path / "m.keras", config, arrays()), "the input has shape")
    dense = sequential(input_layer(5, 4), layer("Dense", "out", units=2))
    refused(write_keras(tmp_path / "m.keras", dense, arrays()), "no recurrent layer")


def test_without_h5py_it_says_what_to_install(tmp_path, monkeypatch):
    path = write_keras(tmp_path / "m.keras", model(), arrays())
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(InputError, match=r"pip install 'recurra\[keras\]'"):
        read_keras(path)


def test_what_is_without_effect_is_passed_over_and_what_a_person_should_know_is_said(tmp_path):
    config = model(stateful=True, kernel_regularizer={"class_name": "L2"}, unit_forget_bias=True)
    config["config"]["layers"][2]["config"]["dtype"] = {
        "class_name": "DTypePolicy",
        "config": {"name": "mixed_float16"},
    }
    network = read_keras(write_keras(tmp_path / "m.keras", json.dumps(config).encode(), arrays()))
    assert any("stateful" in note for note in network.notes)
    assert any("float16" in note for note in network.notes)
