"""A user's own module in place of a cell: what is refused, and that a good one behaves like any encoder."""

import pytest
import torch
from torch import nn

from recurra.errors import InputError
from recurra.networks.config import EncoderConfig, NetworkConfig, NetworkShape
from recurra.networks.encoders import make_encoder
from recurra.networks.forecast_network import ForecastNetwork, ForecastNetworkConfig, ForecastShape
from recurra.networks.language import LanguageNetwork, LanguageNetworkConfig
from recurra.networks.own import OwnEncoder, encoders_of, own_encoders
from recurra.networks.own_contract import check_encoder
from recurra.networks.sequence_network import SequenceNetwork, count_weights
from recurra.networks.sizing import sized
from recurra.networks.step_network import StepNetwork, StepNetworkConfig


class Attention(nn.Module):
    """Masked as it should be, of a width that its heads can share; it sees ahead unless it is told not to."""

    def __init__(self, input_size, units, causal=False):
        super().__init__()
        width = 2 * -(-units // 2)
        self.causal = causal
        self.read = nn.Linear(input_size, width)
        self.attention = nn.MultiheadAttention(width, 2, batch_first=True)
        self.register_buffer("scale", torch.full((width,), 0.5), persistent=False)

    def forward(self, x, lengths):
        x = self.read(x) * self.scale
        steps = x.size(1)
        if self.causal:
            later = torch.ones(steps, steps, dtype=torch.bool).triu(1)
            return self.attention(x, x, x, attn_mask=later, need_weights=False)[0]
        past_end = torch.arange(steps) >= lengths[:, None]
        return self.attention(x, x, x, key_padding_mask=past_end, need_weights=False)[0]


class Broken(nn.Module):
    def __init__(self, input_size, units):
        super().__init__()
        self.linear = nn.Linear(input_size, units)


class Transposed(Broken):
    def forward(self, x, lengths):
        return self.linear(x).transpose(1, 2)


class WithState(Broken):
    def forward(self, x, lengths):
        return self.linear(x), None


class NoLengths(Broken):
    def forward(self, x):
        return self.linear(x)


class Leaky(Broken):
    def forward(self, x, lengths):
        return self.linear(x) - self.linear(x).mean(1, keepdim=True)


class AcrossRows(Broken):
    def forward(self, x, lengths):
        return self.linear(x).cumsum(0)


class Random(Broken):
    def forward(self, x, lengths):
        return nn.functional.dropout(self.linear(x), 0.5)


class Infinite(Broken):
    def forward(self, x, lengths):
        return self.linear(x) / 0


class RootOfZero(Broken):
    def forward(self, x, lengths):
        h = self.linear(x) - self.linear.bias
        return h * h.square().sum(2, keepdim=True).sqrt()


class Multiple(Broken):
    def __init__(self, input_size, units):
        super().__init__(input_size, units)
        nn.MultiheadAttention(units, 5)

    forward = Transposed.forward


class Weightless(nn.Module):
    def __init__(self, input_size, units):
        super().__init__()

    def forward(self, x, lengths):
        return x * 2


@pytest.mark.parametrize(
    ("factory", "sees_ahead", "match"),
    [
        (Transposed, True, r"expected a tensor \(2, 3, H\) of forward\(x, lengths\), got \(2, 8, 3\)"),
        (WithState, True, "got tuple. Return the output of every step alone"),
        (NoLengths, True, r"forward\(x, lengths\) with x \(2, 3, 5\) failed \(TypeError"),
        (Leaky, True, "padding leaks: a sequence of 4 steps gives other numbers padded to 7 than alone"),
        (AcrossRows, True, "rows of a batch see each other"),
        (Random, True, "other numbers for the same sequences at every call"),
        (Infinite, True, "not finite"),
        (RootOfZero, True, "gradients are not finite on a padded batch"),
        (Multiple, True, "cannot be made for 5 inputs and 8 units .*Any whole number of units must do"),
        (Weightless, True, "no trainable weights"),
        (lambda inputs, units: "network", True, "expected a torch.nn.Module of it, got str"),
        (Attention, False, "not causal"),
    ],
)
def test_what_is_broken_is_said(factory, sees_ahead, match):
    with own_encoders({"mine": factory}), pytest.raises(InputError, match=rf"encoders\['mine'\]: .*{match}"):
        check_encoder("mine", sees_ahead=sees_ahead)


def test_good_modules_pass_and_torchs_random_generator_is_left_alone():
    before = torch.get_rng_state()
    with own_encoders({"mine": Attention, "causal": lambda i, u: Attention(i, u, causal=True)}):
        check_encoder("mine", sees_ahead=True)
        check_encoder("causal", sees_ahead=False)
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize("name", ["gru", "Mine", "own:mine", "a b", ""])
def test_names_that_cannot_be_are_refused(name):
    with pytest.raises(InputError, match="cannot be the name"), own_encoders({name: Attention}):
        pass


def test_a_module_already_made_is_refused():
    with pytest.raises(InputError, match="Give the class itself"), own_encoders({"mine": Attention(3, 4)}):
        pass


def test_without_its_class_a_network_cannot_be_made_and_the_cure_is_said():
    with pytest.raises(InputError, match=r"recurra.load\(RUN, encoders=\{'mine': YourClass\}\)"):
        OwnEncoder("mine", 3, 4)


def test_padding_never_reaches_it_and_empty_sequences_give_zeros():
    with own_encoders({"mine": Attention}):
        encoder = make_encoder(EncoderConfig(cell="own:mine", hidden_size=5), 3).eval()
    assert encoder.out_features == 6
    x = torch.randn(3, 4, 3)
    lengths = torch.tensor([4, 2, 0])
    poisoned = x.clone()
    poisoned[1, 2:] = poisoned[2] = float("nan")
    output, state = encoder(poisoned, lengths=lengths)
    assert state == ()
    assert torch.equal(output, encoder(x, lengths=lengths)[0])
    assert bool((output[2] == 0).all())
    with pytest.raises(InputError, match="carries no state"):
        encoder(x, (torch.zeros(1),))
    with pytest.raises(InputError, match="mine is a module of your own"):
        encoder.stages()
    assert encoders_of(encoder) == {"mine": Attention}


def test_every_network_takes_it_whatever_width_it_gives():
    causal = {"mine": lambda i, u: Attention(i, u, causal=True)}
    with own_encoders(causal):
        shape = NetworkShape(input="features", input_size=3, output_size=2)
        sequences = SequenceNetwork(NetworkConfig(cell="own:mine", hidden_size=7), shape)
        steps = StepNetwork(StepNetworkConfig(cell="own:mine", hidden_size=7), shape)
        tokens = NetworkShape(input="tokens", input_size=9, output_size=9, steps=4)
        language = LanguageNetwork(LanguageNetworkConfig(cell="own:mine", hidden_size=7), tokens)
        ahead = ForecastShape(look_back=6, horizon=3, past_size=1)
        forecasts = ForecastNetwork(ForecastNetworkConfig(cell="own:mine", hidden_size=7), ahead)
    assert sequences(torch.zeros(2, 4, 3), torch.tensor([4, 2])).shape == (2, 2)
    assert steps(torch.zeros(2, 4, 3), torch.tensor([4, 2])).shape == (2, 4, 2)
    assert not steps.config.sees_ahead
    assert language(torch.ones(2, 4).long()).logits.shape == (2, 4, 9)
    one = torch.ones(2).long()
    assert forecasts(torch.zeros(2, 6, 1), torch.zeros(2, 3, 0), one, torch.zeros(2, 0)).shape == (2, 3, 1)


def test_its_width_is_solved_for_with_two_units_apart():
    with own_encoders({"mine": Attention}):
        config = EncoderConfig(cell="own:mine")
        found = sized(config, 20_000, lambda config: make_encoder(config, 8))
        assert count_weights(make_encoder(found, 8)) == pytest.approx(20_000, rel=0.03)
        plain = {"mine": lambda inputs, units: nn.Linear(min(inputs, 4), 5)}
    with own_encoders(plain), pytest.raises(InputError, match="failed"):
        make_encoder(config, 8)
