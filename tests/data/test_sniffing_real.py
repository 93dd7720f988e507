"""Every text set of the shared data is read as this table says, or refused with the candidates that it names."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tunesmith.data import mapping, source
from tunesmith.errors import DataError
from tunesmith.fields import Broken

DATA = Path(os.environ.get("TUNESMITH_SHARED") or Path(__file__).parents[3] / "shared") / "data"
LABELLED = ("text-label", {"text": "text", "label": "label"})
TAGGED = ("tokens-tags", {"tokens": "tokens", "tags": "tags"})
REWRITTEN = ("seq2seq", {"source": "source", "target": "target"})
SUMMED = ("seq2seq", {"source": "abstract", "target": "summaries"})
MARKED = ("spans", {"text": "text", "spans": "spans"})
ASKED = ("prompt-completion", {"prompt": "question", "completion": "answer"})

# file → (form, columns), written before it was read
READINGS: dict[str, tuple[str, dict[str, str]]] = {
    "banking77/train.jsonl.gz": LABELLED,
    "banking77/test.jsonl.gz": LABELLED,
    "sms-spam/all.jsonl.gz": LABELLED,
    "unfair-tos/all.jsonl.gz": LABELLED,
    "wnut17/train.jsonl.gz": TAGGED,
    "wnut17/dev.jsonl": TAGGED,
    "wnut17/test.jsonl.gz": TAGGED,
    "bc5cdr/train.jsonl.gz": TAGGED,
    "bc5cdr/dev.jsonl.gz": TAGGED,
    "bc5cdr/test.jsonl.gz": TAGGED,
    "restaurant8k/train.jsonl.gz": MARKED,
    "restaurant8k/test.jsonl.gz": MARKED,
    "pii-synth/all.jsonl.gz": MARKED,
    "gsm8k/train.jsonl.gz": ASKED,
    "gsm8k/test.jsonl.gz": ASKED,
    "instruction-rasbt/all.jsonl": (
        "alpaca",
        {"instruction": "instruction", "input": "input", "output": "output"},
    ),
    "toolcall-glaive-300/all.jsonl.gz": (
        "sharegpt",
        {"conversations": "conversations", "tools": "tools"},
    ),
    "hh-rlhf-harmless/test.jsonl.gz": (
        "preference",
        {"prompt": "prompt", "chosen": "chosen", "rejected": "rejected"},
    ),
    "wikisplit-15k/tune.jsonl.gz": REWRITTEN,
    "wikisplit-15k/validation.jsonl.gz": REWRITTEN,
    "wikisplit-15k/test.jsonl.gz": REWRITTEN,
    "scitldr-a/train.jsonl.gz": SUMMED,
    "scitldr-a/dev.jsonl.gz": SUMMED,
    "scitldr-a/test.jsonl.gz": SUMMED,
    "moderation-1680/test.jsonl.gz": (
        "text-multilabel",
        {"text": "prompt", "labels": "S,H,V,HR,SH,S3,H2,V2"},
    ),
    "texts-public-domain/grimms_fairy_tales.txt.gz": ("text", {"text": "text"}),
    "texts-public-domain/tinyshakespeare.txt.gz": ("text", {"text": "text"}),
    "texts-public-domain/tinystories_sample.txt": ("text", {"text": "text"}),
}
# file → (code, candidates that it must name): a person could not tell either
REFUSALS: dict[str, tuple[str, tuple[str, ...]]] = {
    "bitext-support/all.jsonl.gz": ("M207", ("'intent'", "'response'", "'category'")),
    "pubmedqa-labeled/all.jsonl.gz": ("M207", ("'answer'", "'long_answer'")),
    "crows-pairs/test.jsonl.gz": ("M202", ("'sent_more'", "'sent_less'")),
    "xstest/test.jsonl": ("M202", ("'label'", "'type'")),
    # answers to choose from stand in columns of their own, which no form has: the label alone is a number
    "bbq-subset/Religion.jsonl.gz": ("M208", ("'question'", "'label'")),
    "bbq-subset/Disability_status.jsonl.gz": ("M208", ("'question'", "'label'")),
    "bbq-subset/Physical_appearance.jsonl.gz": ("M208", ("'question'", "'label'")),
    "bbq-subset/Sexual_orientation.jsonl.gz": ("M208", ("'question'", "'label'")),
}
# tables of numbers, pictures and sounds: no text set
OTHERS = ("german-credit/german_credit.csv", "weather-drift/weather.csv.gz", "fsdd-900/metadata.jsonl")


def shared(name: str) -> source.Source:
    if not (DATA / name).exists():
        pytest.skip(f"{DATA / name} is not here: set TUNESMITH_SHARED to the folder of shared data")
    return source.sniff(DATA / name)


@pytest.mark.parametrize("name", READINGS)
def test_it_is_read_as_the_table_says(name: str) -> None:
    found = shared(name)
    reading = mapping.read_as(found)
    assert (reading.form, dict(reading.columns.columns)) == READINGS[name]
    assert reading.sure >= 0.5
    rows = list(mapping.records(found, reading))
    assert rows
    assert not [row for row in rows if isinstance(row, Broken)]


@pytest.mark.parametrize("name", REFUSALS)
def test_it_is_refused_with_its_candidates(name: str) -> None:
    with pytest.raises(DataError) as caught:
        mapping.read_as(shared(name))
    code, candidates = REFUSALS[name]
    assert caught.value.code == code
    assert all(each in caught.value.found for each in candidates)
    assert len(caught.value.fixes) > (code != "M208")


@pytest.mark.parametrize(
    ("form", "given"),
    [
        ("", {"label": "intent"}),
        ("text-label", {"label": "intent"}),
        ("alpaca", {}),
        ("prompt-completion", {}),
        ("seq2seq", {"source": "response", "target": "instruction"}),
    ],
)
def test_a_choice_settles_it(form: str, given: dict[str, str]) -> None:
    reading = mapping.read_as(shared("bitext-support/all.jsonl.gz"), form=form, given=given)
    assert reading.form == (form or "text-label")
    assert given.items() <= reading.columns.columns.items()


@pytest.mark.parametrize("name", OTHERS)
def test_what_is_no_text_is_told(name: str) -> None:
    with pytest.raises(DataError) as caught:
        mapping.read_as(shared(name))
    assert caught.value.code == "M208"
    assert "--form" in caught.value.fixes[0]


def test_every_text_set_stands_in_the_table() -> None:
    if not DATA.exists():
        pytest.skip(f"{DATA} is not here: set TUNESMITH_SHARED to the folder of shared data")
    known = {name.partition("/")[0] for name in (*READINGS, *REFUSALS, *OTHERS)}
    other = {"ai4i2020", "bccd-detection", "mnist-t10k-label-errors", "nab"}
    assert {path.name for path in DATA.iterdir() if path.is_dir()} == known | other
