"""A language network beside a search."""

import numpy as np
import pytest
import torch

from recurra.data.corpus import TokenCodec
from recurra.data.transcripts.alphabet import Alphabet
from recurra.errors import InputError
from recurra.networks.config import NetworkShape
from recurra.networks.language import LanguageNetwork, LanguageNetworkConfig
from recurra.tasks.transcription.decoding import BeamSearch
from recurra.tasks.transcription.language import CharacterLanguage, fusion_of

CODEC = TokenCodec.fit("ab ba\nabba\nb a\n")
LETTERS = Alphabet("character", True, (" ", "a", "b"))
WORDS = Alphabet("word", True, ("ab", "b"))


def network(cell="lstm", **more):
    torch.manual_seed(0)
    shape = NetworkShape(
        input="tokens", input_size=CODEC.vocabulary_size, output_size=CODEC.vocabulary_size, steps=8
    )
    config = LanguageNetworkConfig(cell=cell, hidden_size=8, embedding_size=8, **more)
    return LanguageNetwork(config, shape).eval()


def whole(made, text):
    """log p of a line by one call of the network."""
    end = CODEC.line_end_id
    ids = [end, *CODEC.encode(text).tolist(), end]
    log_p = made(torch.tensor([ids[:-1]])).logits[0].detach().log_softmax(1)
    return float(sum(log_p[k, token] for k, token in enumerate(ids[1:])))


@pytest.mark.parametrize(("alphabet", "text"), [(LETTERS, "ab ba"), (WORDS, "ab b ab"), (LETTERS, "")])
def test_tokens_add_up_to_the_line(alphabet, text):
    made = network()
    scorer = CharacterLanguage(made, CODEC, alphabet)
    state, total = scorer.begin(), 0.0
    for token in alphabet.encode(text).tolist():
        said, after = scorer.read(state, token)
        scorer.read(state, 1)  # what else is tried changes nothing
        total, state = total + said, after
    assert total + scorer.end(state) == pytest.approx(whole(made, text), abs=1e-4)


def test_a_language_model_decides_where_the_network_does_not():
    made = network()
    scorer = CharacterLanguage(made, CODEC, LETTERS)
    p = np.full((3, 4), -60.0)
    p[::2, 2:] = np.log(0.5)  # a or b, blank, a or b
    p[1, 0] = 0.0
    search = BeamSearch(20, fusion_of(scorer, LETTERS, 5.0, 0.0))
    search.advance(p)
    texts = ["aa", "ab", "ba", "bb"]
    assert LETTERS.decode(search.best()) == max(texts, key=lambda text: whole(made, text))


def test_a_word_begins_after_a_blank_space():
    begins = fusion_of(CharacterLanguage(network(), CODEC, LETTERS), LETTERS, 1, 1).begins_word
    assert [begins(0, 2), begins(2, 3), begins(2, 1), begins(1, 2), begins(0, 1)] == [
        True,
        False,
        False,
        True,
        False,
    ]
    assert fusion_of(CharacterLanguage(network(), CODEC, WORDS), WORDS, 1, 1).begins_word(1, 2)


def test_what_cannot_score_characters_is_refused():
    with pytest.raises(InputError, match="carries no state"):
        CharacterLanguage(network("transformer", heads=2), CODEC, LETTERS)
    words = TokenCodec.fit("one two three\n" * 50)
    assert words.level in ("word", "character")
    one_line = TokenCodec.fit("abab")
    with pytest.raises(InputError, match="where a line ends"):
        CharacterLanguage(network(), one_line, LETTERS)
    assert CharacterLanguage(network(), CODEC, Alphabet("character", True, ("a", "z"))).unknown == ["z"]
