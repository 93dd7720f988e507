"""The gate: rules, intervals over the line, comparison, and misspelt rules."""

from __future__ import annotations

import re
import tomllib
from importlib import resources
from typing import Any

import pytest

from tunesmith.errors import GateError, UsageError
from tunesmith.gate import judge, parse, require
from tunesmith.recipe.sections import Gate

SCORES: dict[str, dict[str, Any]] = {
    "macro_f1": {"value": 0.86, "low": 0.83, "high": 0.89, "n": 300},
    "ece": {"value": 0.05, "low": 0.03, "high": 0.08, "n": 300},
    "mcc": {"value": None, "low": None, "high": None, "n": 0},
}
DIFFERENCE = {"value": -0.02, "low": -0.05, "high": 0.01, "outcome": "cannot-tell"}


def codes(gate: dict[str, Any], difference: dict[str, Any] | None = None) -> tuple[bool, list[str]]:
    result = judge(SCORES, Gate(**gate), difference)
    return result.passed, [finding.code for finding in result.findings]


@pytest.mark.parametrize(
    ("gate", "expected"),
    [
        ({}, (True, [])),
        ({"macro_f1": ">= 0.8"}, (True, [])),
        ({"macro_f1": ">=0.85"}, (True, ["G802"])),
        ({"macro_f1": ">= 0.86"}, (True, ["G802"])),
        ({"macro_f1": "> 0.86"}, (False, ["G801"])),
        ({"ece": "<= 0.1"}, (True, [])),
        ({"ece": "< 0.06"}, (True, ["G802"])),
        ({"ece": "<= 4e-2"}, (False, ["G801"])),
        ({"mcc": ">= 0"}, (False, ["G803"])),
        ({"macro_f1": ">= 0.9", "ece": "<= 0.01"}, (False, ["G801", "G801"])),
    ],
)
def test_rules(gate: dict[str, Any], expected: tuple[bool, list[str]]) -> None:
    assert codes(gate) == expected


def test_not_worse_than() -> None:
    rule = {"not_worse_than": "production"}
    assert codes(rule) == (True, ["G805"])
    assert codes(rule, DIFFERENCE) == (True, ["G806"])
    assert codes(rule, DIFFERENCE | {"outcome": "worse", "high": -0.01}) == (False, ["G804"])
    assert codes({}, DIFFERENCE | {"outcome": "worse"}) == (True, [])  # nobody asked


def test_findings_say_the_figures() -> None:
    finding = judge(SCORES, Gate(macro_f1=">= 0.9")).findings[0]  # pyright: ignore[reportCallIssue]
    assert "0.8600" in finding.message and ">= 0.9" in finding.message
    assert finding.numbers == {"value": 0.86, "bound": 0.9, "n": 300}
    assert judge(SCORES, Gate()).to_json() == {"passed": True, "findings": []}


def test_an_unknown_score_names_the_nearest() -> None:
    with pytest.raises(UsageError) as raised:
        codes({"macro_fl": ">= 0.8"})
    assert raised.value.code == "G810" and raised.value.where == "gate.macro_fl"
    assert raised.value.fixes == ("macro_f1 = '>= 0.8'",)


@pytest.mark.parametrize(
    "rule", ["0.85", "=> 0.85", ">= high", "", ">= 0.8 or so", 0.85, None, [">= 0.8"], True]
)
def test_an_unreadable_rule_is_refused(rule: Any) -> None:
    with pytest.raises(UsageError) as raised:
        codes({"macro_f1": rule})
    assert raised.value.code == "G811" and raised.value.where == "gate.macro_f1" and raised.value.fixes


def test_parse() -> None:
    assert parse("x", " <= -.5 ") == ("<=", -0.5) and parse("x", ">1e-3") == (">", 0.001)


def test_require() -> None:
    require(judge(SCORES, Gate()))
    with pytest.raises(GateError) as raised:
        require(judge(SCORES, Gate(ece="<= 0.01")))  # pyright: ignore[reportCallIssue]
    assert raised.value.code == "G800" and raised.value.exit_code == 8 and "ece" in raised.value.found


def test_every_code_has_a_page() -> None:
    root = resources.files("tunesmith")
    pages = tomllib.loads((root / "explanations" / "G.toml").read_text("utf-8"))
    sources = ("gate.py", "evaluate/compare.py")
    used = {code for name in sources for code in re.findall(r'"(G\d{3})"', (root / name).read_text("utf-8"))}
    assert used == set(pages)
    assert all(page.keys() == {"title", "why", "fix"} and all(page.values()) for page in pages.values())
