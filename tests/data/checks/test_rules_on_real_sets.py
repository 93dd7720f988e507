"""What the rules say of real data: right finds stay found, and nothing is an error."""

from __future__ import annotations

import gzip
import json

import pytest

from tunesmith import catalog
from tunesmith.fields import Record, row_key
from tunesmith.findings import Place

ROWS = 1500


def talk(question, answer):
    return {"messages": [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]}


# set → (file, content, fields of a row, rules that must speak, rules that may)
SETS = {
    "banking77": ("train.jsonl.gz", "labelled", dict, {"Q508"}, {"Q514", "L212", "S605", "S601", "L207"}),
    "sms-spam": ("all.jsonl.gz", "labelled", dict, {"F025", "F022"}, {"Q514", "Q502", "F024"}),
    "gsm8k": ("train.jsonl.gz", "chat", lambda row: talk(row["question"], row["answer"]), set(), {"F021"}),
    "bitext-support": (
        *("all.jsonl.gz", "chat", lambda row: talk(row["instruction"], row["response"])),
        *({"Q511"}, {"Q505"}),
    ),
    "wnut17": (
        *("train.jsonl.gz", "tags", lambda row: {"tokens": row["tokens"], "tags": row["tags"]}),
        *({"F025", "Q506"}, {"Q514", "Q509", "Q502"}),
    ),
    "instruction-rasbt": (
        *("all.jsonl", "chat", lambda row: talk(row["instruction"] + row["input"], row["output"])),
        *(set(), set()),
    ),
    "hh-rlhf-harmless": (
        *(
            "test.jsonl.gz",
            "preference",
            lambda row: {name: row[name] for name in ("prompt", "chosen", "rejected")},
        ),
        *({"Q510", "Q505"}, {"Q512", "F025", "Q511", "Q514", "Q515"}),
    ),
}
FAMILIES = ("F02", "Q5", "S60", "L207", "L21")


@pytest.mark.parametrize("name", SETS)
def test_a_real_set(name, shared):
    file, content_name, fields, must, may = SETS[name]
    path = shared / "data" / name / file
    with (gzip.open if file.endswith(".gz") else open)(path, "rt", encoding="utf-8") as lines:
        made = [fields(json.loads(line)) for _, line in zip(range(ROWS), lines, strict=False)]
    rows = [Record(each, Place(file, line), row_key(each)) for line, each in enumerate(made, 1)]
    content = catalog.part("content", content_name)()
    given = {"content": content, "held_out": frozenset()}
    said = {}
    for part in catalog.parts("check").values():
        check = part()
        if check.code.startswith(FAMILIES) and check.wants <= content.offers and check.needs <= given.keys():
            said |= {each.code: each for each in check.findings(check.update(check.start(), rows, given))}
    assert not [code for code, finding in said.items() if finding.severity == "error"]
    assert must <= said.keys()
    assert said.keys() - must <= may
