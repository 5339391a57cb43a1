from __future__ import annotations

import gzip
import io
import os
from pathlib import Path

import conllu
import numpy as np
import pytest

from recurra.data.sentences.definition import SentenceOptions, SentenceSchema
from recurra.data.sentences.reading import holds_tagged_words, read_document, recognise
from recurra.errors import DataError, InputError

PLAIN = "-DOCSTART- -X- O\n\nU.N. NNP B-ORG\nofficial NN O\n# # O\n\nEkeus NNP B-PER\nheads VBZ O\n"
UNIVERSAL = (
    "# sent_id = 1\n# text = Vámonos al mar\n1-2\tVámonos\t_\t_\t_\t_\t_\t_\t_\t_\n"
    "1\tVamos\tir\tVERB\t_\tMood=Imp\t0\troot\t_\t_\n2\tnos\tnosotros\tPRON\t_\t_\t1\tobj\t_\t_\n"
    "3-4\tal\t_\t_\t_\t_\t_\t_\t_\t_\n3\ta\ta\tADP\t_\t_\t5\tcase\t_\t_\n4\tel\tel\t_\t_\t_\t5\tdet\t_\t_\n"
    "5\tmar\tmar\tNOUN\t_\t_\t1\tobl\t_\t_\n5.1\tes\tser\tAUX\t_\t_\t_\t_\t_\t_\n\n"
)
UNIVERSAL_WORDS = 5


@pytest.fixture
def write(tmp_path):
    def written(content, name="words.txt", encoding="utf-8"):
        path = tmp_path / name
        path.write_bytes(content.encode(encoding) if isinstance(content, str) else content)
        return path

    return written


def told(document):
    return "\n".join(document.notes)


def test_columns_are_found_and_told(write):
    found = read_document(write(PLAIN))
    sentences = found.sentences
    assert [sentences.words_of(n) for n in range(2)] == [["U.N.", "official", "#"], ["Ekeus", "heads"]]
    assert sentences.tags_of(0) == ["B-ORG", "O", "O"]
    assert sentences.rows.tolist() == [3, 7]
    assert (found.schema.text, found.schema.target) == ("column 1", "column 3")
    assert "the words are column 1 (U.N., official, #, Ekeus, ...)" in told(found)
    assert "1 -DOCSTART- lines hold no words" in told(found)


def test_other_columns_can_be_asked_for(write):
    found = read_document(write(PLAIN), SentenceOptions(text="1", target="2"))
    assert found.sentences.tags_of(1) == ["NNP", "VBZ"]


def test_further_columns_are_read(write):
    found = read_document(write(PLAIN), SentenceOptions(features=["2"]))
    assert found.schema.features == ["column 2"] and "what else is read of a word column 2" in told(found)
    assert found.sentences.take(np.array([1])).flat_features() == [["NNP", "VBZ"]]
    bare = "\n".join(line.rsplit(" ", 1)[0] for line in PLAIN.splitlines())
    again = read_document(write(bare), schema=found.schema, answers=frozenset({"A", "B"}))
    assert again.sentences.flat_features() == found.sentences.flat_features()
    universal = read_document(
        write(UNIVERSAL, "x.conllu"), SentenceOptions(features=["Feats", "upos"], target="deprel")
    )
    assert universal.schema.features == ["feats", "upos"]
    assert universal.sentences.flat_features()[0][:2] == ["Mood=Imp", "_"]


@pytest.mark.parametrize(("name", "message"), [("3", "column 3 holds the tags"), ("4", "from 1 to 3")])
def test_further_columns_that_do_not_fit_are_an_error(write, name, message):
    with pytest.raises(InputError, match=message):
        read_document(write(PLAIN), SentenceOptions(features=[name], target="3"))


def test_the_tags_are_not_looked_for_in_further_columns(write):
    assert read_document(write(PLAIN), SentenceOptions(features=["3"])).schema.target == "column 2"


@pytest.mark.parametrize("name", ["4", "0", "pos"])
def test_a_column_that_is_not_there_is_an_error(write, name):
    with pytest.raises(InputError, match=r"--target: expected the number of a column, from 1 to 3"):
        read_document(write(PLAIN), SentenceOptions(target=name))


def test_a_file_without_the_columns_of_the_training_names_itself(write):
    schema = read_document(write(PLAIN)).schema
    with pytest.raises(DataError, match=r"few.txt: expected the tags in column 3, .* found 1 column\. "):
        read_document(write("Anna\nheads\n", "few.txt"), schema=schema)


def test_tabs_numbers_of_words_and_comments(write):
    content = "# doc 1\n1\tNew York\tB-LOC\n2\tis\tO\n\n# doc 2\n1\tbig\tO\n2\t!\tO\n"
    found = read_document(write(content, "ner.train"))
    assert found.sentences.words_of(0) == ["New York", "is"] and found.schema.text == "column 2"
    assert found.sentences.tags_of(0) == ["B-LOC", "O"]
    assert "2 comments hold no words" in told(found)


def test_a_number_sign_may_be_a_word(write):
    found = read_document(write("# # O\n1.5 CD O\n\nup RB O\n# # O\n"))
    assert [found.sentences.words_of(n) for n in range(2)] == [["#", "1.5"], ["up", "#"]]


def test_the_tags_are_in_the_last_column_that_repeats(write):
    rows = [f"w{k}\t{'NOUN' if k % 2 else 'VERB'}\tlemma{k}" for k in range(12)]
    found = read_document(write("\n".join([*rows[:6], "", *rows[6:]])))
    assert found.schema.target == "column 2"


@pytest.mark.parametrize("end", ["\r\n", "\r"])
def test_line_ends_of_others(write, end):
    text = PLAIN.replace("\n", end)
    found = read_document(write(text))
    assert found.sentences.words_of(1) == ["Ekeus", "heads"]
    assert found.rewritten(["B-ORG", "O", "O", "B-PER", "O"]) == text


def test_old_encodings_and_packed_files(write):
    content = "café NOUN\nMünchen PROPN\n\nÅr NOUN\nog CCONJ\n"
    latin = read_document(write(content, encoding="latin-1"))
    assert latin.sentences.words_of(0) == ["café", "München"] and "cp1252" in told(latin)
    packed = read_document(write(gzip.compress(content.encode()), "words.conll.gz"))
    assert packed.sentences.words_of(1) == ["År", "og"]
    assert holds_tagged_words(write(gzip.compress(content.encode()), "other.txt.gz"))


def test_only_blanks_and_tabs_end_a_word(write):
    found = read_document(write("12\u00a0000 NUM\n\u2028 SYM\n\n. PUNCT\nx X\n"))
    assert found.sentences.words_of(0) == ["12\u00a0000", "\u2028"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            "the DET\ndog\n\nit PRON\nis AUX\n",
            "line 2: expected 2 fields with blanks between them, found 1 field",
        ),
        ("the\tDET\ndog\tNOUN\tx\n\nit\tPRON\n", "line 2: expected 2 fields with tabs between them, found 3"),
        ("-DOCSTART- O\n\n\n", "there is no word in the file"),
        ("one\ntwo\n\nthree\n", "expected a column of words and one of tags, found 1 column"),
        ("\n \n", "the file is empty"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_line(write, content, message):
    with pytest.raises(DataError, match=message):
        read_document(write(content, "words.conll"))


def test_lines_of_whole_sentences_are_told_from_a_broken_line(write):
    schema, able = read_document(write(PLAIN)).schema, frozenset({"O"})
    with pytest.raises(DataError, match=r"found whole sentences: 'It rains \.'") as caught:
        read_document(write("The old dog barks .\nIt rains .\n", "new.txt"), schema=schema, answers=able)
    assert "Write each word in a line of its own" in str(caught.value)


def test_tagged_again_only_the_column_of_the_tags_changes(write):
    found = read_document(write(PLAIN))
    changed = found.rewritten(["B-X", "I-X", "O", "O", "O"])
    assert changed == PLAIN.replace("NNP B-ORG", "NNP B-X").replace("NN O", "NN I-X").replace("B-PER", "O")


def test_a_file_without_tags_gets_a_column_of_them(write):
    schema = read_document(write(PLAIN)).schema
    bare = read_document(
        write("Ekeus NNP\nheads VBZ\n", "new.conll"), schema=schema, answers=frozenset({"A", "B"})
    )
    assert bare.sentences.tags is None
    assert bare.rewritten(["B-PER", "O"]) == "Ekeus NNP B-PER\nheads VBZ O\n"
    words = read_document(write("Ekeus\nheads\n", "bare.conll"), schema=schema, answers=frozenset({"A", "B"}))
    assert words.rewritten(["B-PER", "O"]) == "Ekeus B-PER\nheads O\n"


def test_universal_dependencies(write):
    found = read_document(write(UNIVERSAL, "es.conllu"))
    assert found.sentences.words_of(0) == ["Vamos", "nos", "a", "el", "mar"]
    assert found.sentences.tags_of(0) == ["VERB", "PRON", "ADP", None, "NOUN"]
    assert "3 multiword tokens and empty nodes hold no words" in told(found)
    changed = found.rewritten(["X", "Y", "Z", "DET", "W"])
    assert changed.split("\n")[3] == "1\tVamos\tir\tX\t_\tMood=Imp\t0\troot\t_\t_"
    assert changed.replace("\tX\t_\tMood", "\tVERB\t_\tMood").count("\n") == UNIVERSAL.count("\n")
    assert "5.1\tes\tser\tAUX" in changed and "1-2\tVámonos" in changed


@pytest.mark.parametrize(
    ("target", "tags"), [("deprel", ["root", "obj", "case", "det", "obl"]), ("FEATS", ["Mood=Imp"])]
)
def test_other_fields_of_universal_dependencies(write, target, tags):
    found = read_document(write(UNIVERSAL, "es.conllu"), SentenceOptions(target=target))
    assert found.sentences.tags_of(0)[: len(tags)] == tags
    assert found.schema.target == target.lower()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("1\tdog\tdog\tNOUN\n", "line 1: expected 10 fields with tabs between them, found 4"),
        (
            UNIVERSAL.replace("5\tmar\t", "five\tmar\t"),
            "expected the number of a word in the first field, found 'five'",
        ),
        (
            UNIVERSAL.replace("VERB", "_").replace("PRON", "_").replace("ADP", "_").replace("NOUN", "_"),
            "no word has a tag",
        ),
    ],
)
def test_broken_universal_dependencies(write, content, message):
    with pytest.raises(DataError, match=message):
        read_document(write(content, "es.conllu"))


def test_a_field_that_there_is_not(write):
    with pytest.raises(InputError, match="CoNLL-U has no field 'pos'"):
        read_document(write(UNIVERSAL, "es.conllu"), SentenceOptions(target="pos"))


def test_forms_are_told_apart_by_content(write):
    assert holds_tagged_words(write(PLAIN, "ned.testb"))
    assert read_document(write(UNIVERSAL, "no_ending")).schema.form == "conllu"
    assert not holds_tagged_words(write("A line of text\nand one more\n\nand the last\n"))
    assert not holds_tagged_words(write("1 2 3\n4 5 6\n\n7 8 9\n"))
    assert not holds_tagged_words(write("text,label\ngood,1\nbad,0\n", "reviews.csv"))
    assert not holds_tagged_words("no/such/file.txt")


def test_a_folder_is_refused(tmp_path):
    with pytest.raises(DataError, match="a folder"):
        read_document(tmp_path)


@pytest.mark.skipif("RECURRA_DATA" not in os.environ, reason="needs RECURRA_DATA")
@pytest.mark.parametrize(
    "name", ["ud_chinese_gsdsimp/zh_gsdsimp-ud-dev.conllu", "ud_russian_gsd/ru_gsd-ud-dev.conllu"]
)
def test_real_universal_dependencies_are_what_the_library_reads(name):
    path = Path(os.environ["RECURRA_DATA"]) / name
    found = read_document(path)
    text = path.read_text(encoding="utf-8")
    theirs = conllu.parse(text)
    assert len(found.sentences) == len(theirs)
    for n, sentence in enumerate(theirs):
        words = [token for token in sentence if isinstance(token["id"], int)]
        assert found.sentences.words_of(n) == [token["form"] for token in words]
        assert found.sentences.tags_of(n) == [token["upos"] for token in words]
    names = found.sentences.names
    assert found.rewritten([names[k] for k in found.sentences.flat_tags()]) == text


@pytest.mark.skipif("RECURRA_DATA" not in os.environ, reason="needs RECURRA_DATA")
@pytest.mark.parametrize(
    ("name", "sentences", "words"),
    [("conll2000/test.txt", 2012, 47_377), ("conll2002_dutch/ned.testa", 2_895, 37_687)],
)
def test_real_columns_are_read_and_written_byte_for_byte(name, sentences, words):
    path = Path(os.environ["RECURRA_DATA"]) / name
    assert holds_tagged_words(path)
    found = read_document(path)
    assert (len(found.sentences), found.sentences.count) == (sentences, words)
    names = found.sentences.names
    assert found.rewritten([names[k] for k in found.sentences.flat_tags()]) == path.read_text(
        encoding="utf-8"
    )


ANSWERS = frozenset({"B-PER", "B-LOC", "I-LOC", "O"})
TRAINED = SentenceSchema(form="columns", text="column 1", target="column 2", scheme="IOB2")


def answered(path, values, schema=TRAINED):
    found = read_document(path, schema=schema, answers=ANSWERS)
    return found.rewritten(values), told(found)


def test_a_column_of_other_things_is_kept(write):
    content, said = answered(write("Anna   NNP\nleft   VBD\n\n"), ["B-PER", "O"])
    assert content == "Anna   NNP B-PER\nleft   VBD O\n\n" and "column 2 holds other things" in said
    content, _ = answered(write("Anna  O\r\nleft\tB-LOC \r\n"), ["B-PER", "O"])
    assert content == "Anna  B-PER\r\nleft\tO \r\n", "what stands between the columns stays"
    content, said = answered(write("Anna NNP O\nleft VBD O\n"), ["B-PER", "O"])
    assert content == "Anna NNP B-PER\nleft VBD O\n" and "they stand in column 3" in said
    assert answered(write("Anna _\nleft _\n"), ["B-PER", "O"])[0] == "Anna B-PER\nleft O\n"


def test_words_behind_a_column_that_counts_them_are_found_again(write):
    content, said = answered(write("1 Anna\n2 left\n\n1 Yes\n"), ["B-PER", "O", "O"])
    assert content == "1 Anna B-PER\n2 left O\n\n1 Yes O\n" and "the words are column 2" in said


def test_texts_are_no_columns(write):
    with pytest.raises(
        DataError, match=r"line 1: expected a word with its columns in each line, .* of 5 words"
    ):
        answered(write("Anna left Oslo today .\n"), [])


def test_the_fields_of_conllu_are_kept_where_they_hold_no_tags_of_the_run(write):
    content, said = answered(write(UNIVERSAL, "x.conllu"), ["B-PER"] * UNIVERSAL_WORDS)
    before = [line.split("\t") for line in UNIVERSAL.splitlines()]
    after = [line.split("\t") for line in content.splitlines()]
    assert [row[:9] for row in after] == [row[:9] for row in before] and "they stand in misc" in said
    tagged = [row[9] for row in after if len(row) == 10 and row[0].isdigit()]
    assert len(tagged) == UNIVERSAL_WORDS and all(each.endswith("Tag=B-PER") for each in tagged)
    again, _ = answered(write(content, "y.conllu"), ["O"] * UNIVERSAL_WORDS)
    assert again == content.replace("Tag=B-PER", "Tag=O")


def test_conllu_is_known_by_its_content_and_its_fields_by_number(write):
    path = write(UNIVERSAL, "x.conll")
    assert read_document(path).schema.form == "conllu"
    assert read_document(path, SentenceOptions(target="8")).schema.target == "deprel"


def test_hashtags_are_words_and_remarks_are_not(write):
    found = read_document(write("#Oslo O\nAnna O\n\n#two O\n\n#three X\n"))
    assert found.sentences.words_of(0) == ["#Oslo", "Anna"] and len(found.sentences) == 3
    found = read_document(write("# 1\nAnna O\n\n# 2\nleft X\n"))
    assert [found.sentences.words_of(n) for n in range(2)] == [["Anna"], ["left"]]


def test_borders_of_documents_may_say_more(write):
    found = read_document(write("-DOCSTART- (1 EU)\nEU\tB-ORG\nrejects\tO \n\nit\tO\n"))
    assert found.sentences.tags_of(0) == ["B-ORG", "O"], "a blank at the end is no part of a tag"


@pytest.mark.parametrize("name", ["x.gold_conll", "x.train", "x.bio2"])
def test_columns_are_known_by_their_content_whatever_their_name(write, name):
    path = write("[ O\nAnna B-PER\n\nleft O\nOslo B-LOC\n", name)
    assert holds_tagged_words(path) and read_document(path).sentences.words_of(0) == ["[", "Anna"]


def test_numbers_of_columns_are_said_of_columns_alone(write):
    path = write("Anna B-PER\nleft O\n", "one.txt")
    assert not holds_tagged_words(path), "nothing says that it is no text"
    assert recognise(path, {"text": "1", "target": "2"}, None) is not None
    assert recognise(write("1,2\na,b\n", "one.csv"), {"text": "1", "target": "2"}, None) is None


def test_standard_input_is_looked_at_and_stays(monkeypatch):
    content = io.TextIOWrapper(io.BufferedReader(io.BytesIO(b"Anna B-PER\nleft O\n\nOslo B-LOC\n")))
    monkeypatch.setattr("sys.stdin", content)
    assert holds_tagged_words("-") and read_document("-").sentences.count == 3
