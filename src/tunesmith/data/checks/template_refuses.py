"""T406: conversations that the template does not write, or of which it leaves a part out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tunesmith.data.checks._rows import plural
from tunesmith.data.checks._turns import blank, chat, seen, template, threads
from tunesmith.fields import Record
from tunesmith.findings import Finding, Fix
from tunesmith.parts import Case, Fault, RowCheck, Tally


class TemplateRefuses(RowCheck):
    """A template without a role raises an error in training, or drops what that role says; so with tools."""

    code = "T406"
    wants = frozenset({"turns"})
    needs = frozenset({"template"})

    def fault(self, row: Record, index: int, evidence: Mapping[str, Any]) -> Fault | None:
        template = evidence["template"]
        for thread in threads(row, evidence["content"]):
            if lost := sorted(
                {str(turn["role"]) for turn in thread.turns if not blank(turn)} - template.roles
            ):
                return Fault(f"the role '{lost[0][:20]}' is not written")
            if not template.writes_calls and any(turn.get("tool_calls") for turn in thread.turns):
                return Fault("tool calls are not written")
        if row.fields.get("tools") and not template.writes_tools:
            return Fault("the declared tools are not written")
        refused = next((each.refusal for each in seen(row, evidence) if each.refusal), "")
        return Fault(refused[:100]) if refused else None

    def finding(self, tally: Tally) -> Finding:
        rows = plural(tally.count, "row")
        why = "; ".join(f"{kind} ({count:,})" for kind, count in tally.kinds.most_common(3))
        return Finding(
            self.code,
            "error" if tally.count == tally.rows else "warning",
            f"the template of the base can't show {rows} to the model: {why}",
            tally.count,
            tuple(tally.places),
            {"share": tally.count / tally.rows, "reasons": len(tally.kinds)},
            Fix("tunesmith data fix FILE T406 --base DIR", f"drops {rows}", drops=tuple(tally.ids)),
        )

    def planted(self) -> tuple[Case, Case]:
        row = [("user", "Do you repair brakes?"), ("assistant", "Yes, on weekdays.")]
        strict = (
            "{% for m in messages %}{% if m.role == 'system' %}{{ raise_exception('no system role') }}{% endif %}"
            "<|{{ m.role }}|>{{ m.content }}<|end|>{% endfor %}"
        )
        rules = template(strict)
        return chat([("system", "You are kind."), *row], row, template=rules), chat(row, template=rules)
