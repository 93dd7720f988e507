"""Tokenizers in GGUF: read from the file alone, they cut texts as the model was taught."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import chatshapes
from exporting import tokenizer
from tunesmith import bases
from tunesmith.inputs import base_template
from tunesmith.inputs.text import TOKENIZER
from tunesmith.parts import Codec
from tunesmith.serve.exports import _gguf_reading, _gguf_words

gguf = pytest.importorskip("gguf", reason='gguf is absent: pip install -e ".[export]"')
TEXTS = st.text(alphabet=st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), max_size=60)
PLENTY = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def written(codec: Codec, path: Path, size: int) -> _gguf_reading.Vocabulary:
    """A file that holds nothing but a tokenizer."""
    writer = gguf.GGUFWriter(str(path), "llama")
    _gguf_words.write(writer, codec, size)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return _gguf_reading.Vocabulary(path)


@pytest.fixture(scope="module", params=["stories260k-llama", "bytes"])
def both(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[_gguf_reading.Vocabulary, Callable[[str], Any]]:
    """A tokenizer as its file in GGUF has it, and as it was trained with."""
    if request.param == "bytes":
        shape = chatshapes.SHAPES["chatml"]
        codec = chatshapes.codec(shape, frame="chat", pad_id=0)
        codec = Codec(codec.settings, {TOKENIZER: tokenizer(shape.specials)})
    else:
        folder = request.getfixturevalue("shared") / "models" / request.param
        settings_, contents = base_template.about(bases.resolve(str(folder)))
        codec = Codec({**settings_, "frame": "chat"}, contents)
    path = tmp_path_factory.mktemp("gguf") / "words.gguf"
    encode = base_template.template(codec).encode
    assert encode is not None
    return written(codec, path, 600), lambda text: list(encode(text)[0])


@PLENTY
@given(text=TEXTS)
def test_every_text_is_cut_as_in_training(both: Any, text: str) -> None:
    words, encode = both
    assert words.encode(text) == [*words.begin, *encode(text)]


@PLENTY
@given(
    parts=st.lists(st.sampled_from(["</s>", "<s>", "<|im_end|>", " a", "b ", "\n", "the cat"]), max_size=8)
)
def test_special_tokens_within_a_text_are_one_token_each(both: Any, parts: list[str]) -> None:
    words, encode = both
    assert words.encode("".join(parts)) == [*words.begin, *encode("".join(parts))]


def test_rows_of_the_table_without_a_token_are_filled_up(both: Any) -> None:
    words, _ = both
    assert len(words.tokens) == 600 and words.tokens[-1] == "[PAD599]"


def changed(**model: Any) -> Codec:
    known = json.loads(tokenizer(("<|im_end|>",)))
    known["model"] |= model.pop("model", {})
    return Codec({}, {TOKENIZER: json.dumps(known | model).encode()})


@pytest.mark.parametrize(
    ("codec", "why"),
    [
        (changed(model={"type": "WordPiece"}), "kind WordPiece"),
        (changed(model={"continuing_subword_prefix": "##"}), "begin or the end"),
        (changed(pre_tokenizer={"type": "Whitespace"}), "divides texts"),
        (changed(pre_tokenizer={"type": "ByteLevel", "add_prefix_space": True}), "divides texts"),
        (changed(normalizer={"type": "Lowercase"}), "divides texts"),
        (changed(model={"byte_fallback": True}, normalizer={"type": "NFKC"}), "changes or divides"),
        (
            changed(
                model={"byte_fallback": True, "vocab": {"a": 0, "b": 1, "ab": 2}, "merges": []},
                pre_tokenizer=None,
            ),
            "its merges",
        ),
    ],
)
def test_a_tokenizer_without_a_form_is_told_why(codec: Codec, why: str) -> None:
    assert why in _gguf_words.unfit(codec)


def test_splits_that_llama_cpp_names_are_recognised() -> None:
    for name, pattern in _gguf_words.SPLITS.items():
        level = {"type": "ByteLevel", "add_prefix_space": False, "use_regex": False}
        split = {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": False}
        codec = changed(pre_tokenizer={"type": "Sequence", "pretokenizers": [split, level]})
        assert not _gguf_words.unfit(codec)
        assert _gguf_words._split(json.loads(codec.files[TOKENIZER])) == name
