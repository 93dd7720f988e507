"""All checks on real training files: what is an error there would have to be shown to be one."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tunesmith import catalog, lifecycle
from tunesmith.lifecycle import examining
from tunesmith.lifecycle.known import Wanted

SHARED = Path(os.environ.get("TUNESMITH_SHARED") or Path(__file__).parents[3] / "shared")
SETS = [
    ("banking77/train.jsonl.gz", {}, {}),
    ("sms-spam/all.jsonl.gz", {}, {}),
    ("bitext-support/all.jsonl.gz", {"form": "text-label"}, {"label": "intent"}),
    ("bitext-support/all.jsonl.gz", {"form": "alpaca"}, {}),
    ("instruction-rasbt/all.jsonl", {}, {}),
    ("hh-rlhf-harmless/test.jsonl.gz", {}, {}),
    ("wnut17/train.jsonl.gz", {}, {}),
    ("gsm8k/train.jsonl.gz", {}, {}),
]


def test_there_are_at_least_45_rules_in_all_families() -> None:
    codes = {part.code for part in catalog.parts("check").values()}
    assert len(codes) == len(catalog.parts("check")) >= 45
    assert {code[0] for code in codes} == set("FMDLTPQS")


@pytest.mark.parametrize(("name", "options", "fields"), SETS)
def test_no_error_is_found_in_real_training_files(
    name: str, options: dict[str, str], fields: dict[str, str], tmp_path: Path
) -> None:
    path = SHARED / "data" / name
    if not path.exists():
        pytest.skip(f"{path} is not here: set TUNESMITH_SHARED to the folder of shared data")
    check = examining.check(str(path), fields=fields, wanted=Wanted(home=tmp_path), **options)
    result = lifecycle.run(check)
    assert result["rows"] > 100
    assert [each["code"] for each in result["findings"] if each["severity"] == "error"] == []
    assert result["broken"] == []
