"""A token classifier from a local folder, as random miniature; what is none is refused."""

from __future__ import annotations

import pytest

from tunesmith import doors
from tunesmith.errors import MissingError
from tunesmith.inputs import entities


def folder_of(path, labels):
    tokenizers, transformers = doors.open("tokenizers"), doors.open("transformers")
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "ada", "asks", "rome", "for", "help"]
    inner = tokenizers.Tokenizer(tokenizers.models.WordLevel({w: i for i, w in enumerate(words)}, "[UNK]"))
    inner.normalizer = tokenizers.normalizers.Lowercase()
    inner.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    tokenizer = transformers.PreTrainedTokenizerFast(
        tokenizer_object=inner, pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]"
    )
    config = transformers.BertConfig(
        vocab_size=len(words), hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16,
        max_position_embeddings=32, id2label=dict(enumerate(labels)), label2id={v: k for k, v in enumerate(labels)},
    )  # fmt: skip
    torch = doors.open("torch")
    torch.manual_seed(3)
    model = transformers.BertForTokenClassification(config)
    with torch.no_grad():  # always the last label
        model.classifier.weight.zero_()
        model.classifier.bias.copy_(torch.tensor([0.0] * (len(labels) - 1) + [9.0]))
    model.save_pretrained(path)
    tokenizer.save_pretrained(path)
    return str(path)


@pytest.mark.neural
def test_it_finds_spans_in_a_batch_and_in_long_texts(tmp_path):
    find = entities.opened(folder_of(tmp_path, ["O", "B-PER"]))
    found = find(["Ada asks Rome", "", "help " * 100, "\ud800 ada"])
    assert {each.group for each in found[0]} == {"name"}
    assert {(each.start, each.end) for each in found[0]} == {(0, 3), (4, 8), (9, 13)}
    assert found[1] == []
    assert found[3][-1].end == 5
    assert max(each.end for each in found[2]) == 499
    assert all(0 < each.score <= 0.7 for each in found[0])
    assert find([]) == []


@pytest.mark.neural
def test_what_tells_no_names_apart_is_refused(tmp_path):
    with pytest.raises(MissingError) as refusal:
        entities.opened(folder_of(tmp_path, ["O", "B-COLOUR"]))
    assert refusal.value.code == "P325"


def test_a_folder_without_a_model_is_refused(tmp_path):
    with pytest.raises(MissingError) as refusal:
        entities.opened(str(tmp_path))
    assert refusal.value.code == "P325"
