"""Weights of torch: layers are told by names and shapes, and give what `torch.nn` gives."""

from __future__ import annotations

import io
import pickle
import zipfile

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from recurra.errors import DataError, InputError
from recurra.exchange.checking import check_torch
from recurra.exchange.torch_file import read_torch
from tests.tolerances import assert_close

# torch says once that oneDNN has no projections; nothing depends on it.
pytestmark = pytest.mark.filterwarnings("ignore:LSTM with projections:UserWarning")


class Classifier(nn.Module):
    """As tutorials have it: embedding, recurrent layers, the last state of both directions, a linear layer or two."""

    def __init__(self, cell, every_step=False, heads=1, **options):
        super().__init__()
        self.embedding = nn.Embedding(9, 4)
        self.rnn = cell(4, 5, batch_first=True, **options)
        width = (options.get("proj_size") or 5) * (2 if options.get("bidirectional") else 1)
        self.fc1, self.fc2 = nn.Linear(width, 3), nn.Linear(3, 2) if heads == 2 else None
        self.every_step = every_step

    def forward(self, ids):
        output, state = self.rnn(self.embedding(ids))
        h = state[0] if isinstance(state, tuple) else state
        h = torch.cat([h[-2], h[-1]], -1) if self.rnn.bidirectional else h[-1]
        y = self.fc1(output if self.every_step else h)
        return y if self.fc2 is None else self.fc2(torch.relu(y))


@pytest.mark.parametrize("ending", ["pt", "safetensors"])
@pytest.mark.parametrize(
    ("cell", "options"),
    [
        (nn.RNN, {}),
        (nn.GRU, {"num_layers": 2, "bidirectional": True}),
        (nn.LSTM, {"num_layers": 2, "bias": False}),
        (nn.LSTM, {"num_layers": 2, "bidirectional": True, "proj_size": 3}),
    ],
)
def test_the_layers_are_told_and_give_the_same(tmp_path, cell, options, ending):
    model, path = Classifier(cell, **options).eval(), tmp_path / f"weights.{ending}"
    state = model.state_dict()
    torch.save(state, path) if ending == "pt" else save_file(state, path)
    network, ids = read_torch(path), torch.randint(0, 9, (3, 6))
    assert_close(network(ids), model(ids))
    assert network.description.weights == sum(p.numel() for p in model.parameters())
    difference = check_torch(network, path).difference
    assert difference is not None and difference < 1e-6


def test_what_weights_do_not_tell_is_asked_for(tmp_path):
    model, path = Classifier(nn.RNN, heads=2, nonlinearity="relu").eval(), tmp_path / "weights.pt"
    torch.save({"epoch": 3, "model_state_dict": model.state_dict(), "optimizer": {"lr": 0.1}}, path)
    with pytest.raises(InputError, match="2 linear layers, and what stands between them"):
        read_torch(path, nonlinearity="relu")
    network, ids = read_torch(path, nonlinearity="relu", activation="relu"), torch.randint(0, 9, (3, 6))
    assert_close(network(ids), model(ids))
    assert not torch.allclose(read_torch(path, activation="relu")(ids), model(ids))
    assert any("nonlinearity" in note for note in network.notes)

    tagger = Classifier(nn.GRU, every_step=True).eval()
    torch.save(tagger.state_dict(), path)
    assert_close(read_torch(path, every_step=True)(ids), tagger(ids))
    for option, message in (
        ({"nonlinearity": "relu"}, "there is no nn.RNN"),
        ({"activation": "relu"}, "no two linear layers"),
        ({"nonlinearity": "selu"}, "expected one of tanh, relu"),
    ):
        with pytest.raises(InputError, match=message):
            read_torch(path, **option)


def test_tied_weights_and_several_modules(tmp_path):
    class Writer(nn.Module):
        def __init__(self):
            super().__init__()
            self.encoder = nn.Embedding(9, 5)
            self.first, self.second = nn.LSTM(5, 6, batch_first=True), nn.LSTM(6, 5, batch_first=True)
            self.decoder = nn.Linear(5, 9)
            self.decoder.weight = self.encoder.weight

    model, path, ids = Writer(), tmp_path / "weights.pt", torch.randint(0, 9, (2, 4))
    torch.save(model.state_dict(), path)
    expected = model.decoder(model.second(model.first(model.encoder(ids))[0])[0])
    assert_close(read_torch(path, every_step=True)(ids), expected)


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ({"fc.weight": torch.zeros(2, 3)}, "there is no recurrent layer"),
        ({"weight_ih_l0": torch.zeros(8, 3), "weight_hh_l0": torch.zeros(8, 4)}, "the cell cannot be told"),
        ({"weight_ih_l0": torch.zeros(4, 3)}, "a matrix is missing"),
        ({**nn.GRU(3, 4).state_dict(), "conv.weight": torch.zeros(2, 2, 2)}, "conv.weight of shape"),
        (
            {**nn.GRU(3, 4).state_dict(), "fc.weight": torch.zeros(2, 7), "fc.bias": torch.zeros(2)},
            "reads 7 numbers",
        ),
        (
            {**nn.GRU(3, 4).state_dict(), "weight_ih_l2": torch.zeros(12, 4)},
            "a matrix is missing",
        ),
        ({**nn.GRU(3, 4).state_dict(), "ids": torch.zeros(2, dtype=torch.int64)}, "floats are expected"),
        (
            {**nn.GRU(3, 4).state_dict(), "norm.num_batches_tracked": torch.tensor(7)},
            "norm.num_batches_tracked holds int64, .* batch normalisation is not known",
        ),
        ({**nn.GRU(3, 4).state_dict(), "bias_ih_l0": torch.full((12,), torch.nan)}, "bias_ih_l0 holds NaN"),
        ({**nn.GRU(3, 4, device="meta").state_dict()}, "weight_ih_l0 has a shape and no numbers"),
        ({**nn.GRU(3, 4).state_dict(), "a\nb": torch.zeros(2)}, "cannot be named"),
        ({**nn.GRU(3, 4).state_dict(), "fc.weight": torch.zeros(0, 4)}, "units cannot be 0"),
        ([1, 2], "expected tensors by name, found a list"),
        ({"model": 1, "lr": 2}, "found a dictionary of 'model', 'lr'"),
    ],
)
def test_what_is_not_known_is_named(tmp_path, state, message):
    torch.save(state, tmp_path / "weights.pt")
    with pytest.raises(DataError, match=message) as caught:
        read_torch(tmp_path / "weights.pt")
    assert "\n" not in str(caught.value)


class Evil:
    """Writes a file as soon as it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


def test_nothing_in_a_file_is_executed(tmp_path):
    torch.save({"weight_ih_l0": Evil(tmp_path / "done")}, tmp_path / "evil.pt")
    torch.save(nn.GRU(3, 4), tmp_path / "module.pt")
    (tmp_path / "plain.pt").write_bytes(pickle.dumps(Evil(tmp_path / "done")))
    for name, message in (
        ("evil.pt", "it might be code"),
        ("module.pt", "state_dict"),
        ("plain.pt", "neither"),
    ):
        with pytest.raises(DataError, match=message):
            read_torch(tmp_path / name)
    assert not (tmp_path / "done").exists()


def test_sizes_that_cannot_be_are_refused(tmp_path):
    wide = {"weight_ih_l0": torch.zeros(1).expand(2**20, 2**20), "weight_hh_l0": torch.zeros(4, 4)}
    torch.save(wide, tmp_path / "wide.pt")
    with pytest.raises(DataError, match="more than the file has"):
        read_torch(tmp_path / "wide.pt")
    plain = io.BytesIO()
    torch.save({"weight_hh_l0": torch.zeros(2**20)}, plain)
    with zipfile.ZipFile(plain) as old, zipfile.ZipFile(tmp_path / "b.pt", "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, old.read(name))
    with pytest.raises(DataError, match="more than torch would have put there"):
        read_torch(tmp_path / "b.pt")


@pytest.mark.parametrize("ending", ["pt", "safetensors"])
def test_a_file_cut_short_is_refused(tmp_path, ending):
    path = tmp_path / f"weights.{ending}"
    state = nn.GRU(3, 4).state_dict()
    torch.save(state, path) if ending == "pt" else save_file(state, path)
    whole = path.read_bytes()
    for end in (0, 9, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:end])
        with pytest.raises(DataError, match="weights"):
            read_torch(path)


class Coder(nn.Module):
    """Two recurrent and two linear layers of equal size, not in the order of their names."""

    def __init__(self, size=6):
        super().__init__()
        self.encoder, self.decoder = nn.LSTM(6, 6, batch_first=True), nn.LSTM(6, 6, batch_first=True)
        self.hidden, self.classifier = nn.Linear(6, size), nn.Linear(size, 6)

    def forward(self, x):
        return self.classifier(torch.relu(self.hidden(self.decoder(self.encoder(x)[0])[0][:, -1])))


def test_layers_read_each_other_in_the_order_of_their_definition(tmp_path):
    for size in (6, 9):
        model, x = Coder(size), torch.randn(2, 5, 6)
        torch.save(model.state_dict(), tmp_path / "weights.pt")
        network = read_torch(tmp_path / "weights.pt", activation="relu")
        assert_close(network(x), model(x))
        assert "in which they were defined: encoder, decoder, hidden, classifier" in network.notes[-1]
    save_file(Coder().state_dict(), tmp_path / "weights.safetensors")
    notes = read_torch(tmp_path / "weights.safetensors", activation="relu").notes
    assert "of their names: safetensors keeps no other" in notes[-1] and notes[-1].endswith("hidden.")
    with pytest.raises(DataError, match=r"order of the layers|reads 9 numbers"):
        save_file(Coder(9).state_dict(), tmp_path / "weights.safetensors")
        read_torch(tmp_path / "weights.safetensors", activation="relu")


def test_a_square_matrix_before_the_recurrent_layers_is_a_table_by_its_name_alone(tmp_path):
    for name in ("proj", "embedding"):
        model = nn.ModuleDict({name: nn.Linear(7, 7, bias=False), "rnn": nn.GRU(7, 5)})
        torch.save(model.state_dict(), tmp_path / f"{name}.pt")
    with pytest.raises(DataError, match="may be a table of vectors or a linear layer without bias"):
        read_torch(tmp_path / "proj.pt")
    assert "Embedding(7, 7)" in str(read_torch(tmp_path / "embedding.pt"))


@pytest.mark.parametrize("bias", [True, False])
def test_a_linear_layer_before_the_recurrent_ones_is_refused(tmp_path, bias):
    model = nn.ModuleDict({"proj": nn.Linear(4, 7, bias=bias), "rnn": nn.GRU(7, 5)})
    torch.save(model.state_dict(), tmp_path / "weights.pt")
    with pytest.raises(DataError, match="proj was defined before the recurrent ones"):
        read_torch(tmp_path / "weights.pt")


def altered(content, places, value):
    """`content` with the byte at each of the places, one after the other, changed to `value`."""
    for place in places:
        yield content[:place] + bytes([value]) + content[place + 1 :]


@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
def test_a_damaged_file_of_torch_is_read_or_refused_whatever_the_libraries_raise(tmp_path):
    path, refused = tmp_path / "weights.pt", 0
    torch.save(dict(nn.GRU(3, 4).state_dict()), path)
    whole = path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    (pickled,) = (name for name in members if name.endswith("data.pkl"))

    def zipped(content):
        found = io.BytesIO()
        with zipfile.ZipFile(found, "w") as archive:
            for name, each in (members | {pickled: content}).items():
                archive.writestr(name, each)
        return found.getvalue()

    directory = whole.rindex(b"PK\x01\x02")
    damaged = list(altered(whole, range(directory, directory + 80), 0xFF))
    damaged += [
        zipped(each)
        for value in b"ujrX"
        for each in altered(members[pickled], range(0, len(members[pickled]), 3), value)
    ]
    for content in damaged:
        path.write_bytes(content)
        try:
            read_torch(path)
        except DataError as error:
            refused += "weights.pt" in str(error)
    assert refused > len(damaged) / 2
