"""The gate: a report and the recipe's rules become passed or not, with one Finding for each reason."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tunesmith import catalog
from tunesmith.errors import GateError, UsageError
from tunesmith.findings import Finding
from tunesmith.recipe.sections import Gate

_RULE = re.compile(r"\s*(>=|<=|>|<)\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*")
_COMPARE = {">=": operator.ge, "<=": operator.le, ">": operator.gt, "<": operator.lt}


@dataclass(frozen=True, slots=True)
class GateResult:
    """Whether a model may be promoted, and why: findings of severity 'error' are what stops it."""

    passed: bool
    findings: tuple[Finding, ...]

    def to_json(self) -> dict[str, Any]:
        """One JSON object."""
        return {"passed": self.passed, "findings": [finding.to_json() for finding in self.findings]}


def judge(
    scores: Mapping[str, Mapping[str, Any]], gate: Gate, difference: Mapping[str, Any] | None = None
) -> GateResult:
    """Judge the scores of a report, {metric: {value, low, high, n}}, by the `[gate]` section.

    A rule looks at the score itself; where its interval reaches over the line that is said, but stops
    nothing. difference: new model minus the one of `not_worse_than` on the same rows ({value, low, high,
    outcome}); None where there is no such model yet, which passes. Only a measurable loss stops. Raises
    UsageError G810 (unknown metric, with the nearest) or G811 (a rule that can't be read).
    """
    rules = {name: parse(name, rule) for name, rule in (gate.model_extra or {}).items()}
    findings = [found for name, rule in rules.items() if (found := _judge_rule(name, *rule, scores))]
    if gate.not_worse_than:
        findings.append(_judge_difference(gate.not_worse_than, difference))
    return GateResult(all(finding.severity != "error" for finding in findings), tuple(findings))


def require(result: GateResult, *, where: str = "") -> None:
    """Raise GateError G800 naming every reason unless the model passed."""
    if not result.passed:
        reasons = [finding.message for finding in result.findings if finding.severity == "error"]
        raise GateError(
            "G800",
            "the model does not pass its gate: " + "; ".join(reasons),
            expected="every rule of the recipe's [gate] section",
            fixes=("look at report.html: worst errors and likely wrong labels",),
            where=where,
        )


def parse(name: str, rule: Any) -> tuple[str, float]:
    """('>=', 0.85) from '>= 0.85'.  Raises UsageError G811."""
    match = _RULE.fullmatch(rule) if isinstance(rule, str) else None
    if match is None:
        number = str(rule) if isinstance(rule, (int, float)) else "0.85"
        raise UsageError(
            "G811",
            f"the rule {rule!r} can't be read",
            expected="a comparison and a number, such as '>= 0.85' or '<= 0.1'",
            fixes=(f"--set 'gate.{name}=>= {number}'",),
            where=f"gate.{name}",
        )
    return match[1], float(match[2])


def _judge_rule(
    name: str, sign: str, bound: float, scores: Mapping[str, Mapping[str, Any]]
) -> Finding | None:
    score = scores.get(name.replace("-", "_"))
    if score is None:
        close = catalog.nearest(name, sorted(scores))
        raise UsageError(
            "G810",
            f"the report has no score named '{name}'",
            expected=f"one of: {', '.join(sorted(scores))}",
            fixes=(f"{close} = '{sign} {bound:g}'",) if close else (),
            where=f"gate.{name}",
        )
    value = score["value"]
    if value is None or not math.isfinite(value):
        return Finding("G803", "error", f"{name} is undefined on these rows", numbers={"n": score["n"]})
    numbers = {"value": value, "bound": bound, "n": score["n"]}
    if not _COMPARE[sign](value, bound):
        return Finding("G801", "error", f"{name} is {value:.4f}, not {sign} {bound:g}", numbers=numbers)
    end = score["low"] if sign.startswith(">") else score["high"]
    if end is not None and not _COMPARE[sign](end, bound):
        reach = f"{name} {value:.4f} is {sign} {bound:g}, but its 95 % interval reaches to {end:.4f}"
        return Finding("G802", "info", reach, numbers=numbers | {"end": end})
    return None


def _judge_difference(rival: str, difference: Mapping[str, Any] | None) -> Finding:
    if difference is None:
        return Finding("G805", "info", f"there is no '{rival}' yet to compare with")
    value, low, high = (difference[name] for name in ("value", "low", "high"))
    shown = " to ".join("?" if end is None else f"{end:+.4f}" for end in (low, high))
    numbers = {
        name: number
        for name, number in zip(("value", "low", "high"), (value, low, high), strict=True)
        if number is not None
    }
    if difference["outcome"] == "worse":
        return Finding("G804", "error", f"it is measurably worse than {rival} ({shown})", numbers=numbers)
    return Finding("G806", "info", f"it is not measurably worse than {rival} ({shown})", numbers=numbers)
