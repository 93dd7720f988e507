"""The report's table of what answers take: a machine and a server beside each other, and reports without it."""

from __future__ import annotations

from typing import Any

from evaluation import sample_report
from tunesmith.evaluate import report

HERE = {
    "n": 40,
    "seconds_per_1000": 63.0,
    "memory_bytes": 7_000_000,
    "cost_per_1000": 0.0123,
    "currency": "EUR",
}
FAR = {"n": 40, "seconds_per_1000": 9.0, "memory_bytes": None, "cost_per_1000": None, "currency": "EUR"}


def page(*answering: Any) -> str:
    value = sample_report()
    for rung, each in zip(value["ladder"], answering, strict=False):
        rung["answering"] = each
    return report.render(value)


def test_each_rung_that_answered_has_a_line() -> None:
    found = page({**HERE, "priced": "time of a machine"}, {**FAR, "priced": "unknown: <nobody> says"}, None)
    assert "What 1,000 answers take" in found and "1 min 3 s" in found and "7.0 MB" in found
    assert "at the server" in found and "0.012" in found and "unknown: &lt;nobody&gt; says" in found
    assert "EUR" in found and "Timed on 40 validation rows" in found


def test_a_report_that_knows_of_none_has_no_such_table() -> None:
    assert "1,000 answers" not in page() and "1,000 answers" not in page(None)


def test_what_tuning_did_is_told_once() -> None:
    value = sample_report()
    value["tuned"] = {
        "rung": "tune: LoRA",
        "comparisons": [{"sentence": "Better by the loss."}, value["verdict"]],
    }
    found = report.render(value)
    assert "Tuned, <b>tune: LoRA</b>: Better by the loss." in found
    sentence = value["verdict"]["sentence"]
    assert found.count(sentence) == report.render(sample_report()).count(sentence)
