"""Every check, built in or added: it finds its planted fault, is silent on the clean twin, and can be merged."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest

import tunesmith
from tunesmith import catalog
from tunesmith.data.cleaning import clean, undo
from tunesmith.parts import ROW_EVIDENCE

CHECKS = catalog.parts("check")
EVIDENCE = {"twins", "sides", "embeddings", "out_of_fold", "held_out", "benchmark", "classes", "template"}
EVIDENCE |= {"personal", "names", "toxicity", "sources"}
EVIDENCE |= {"curve", "test_labels"}
OFFERS = {"labels", "turns", "tags", "spans"}

pytestmark = pytest.mark.parametrize("name", list(CHECKS))


def planted(check, which):
    case = check.planted()[which]
    return case.rows, case.evidence


def part(evidence, start, stop):
    return {name: value[start:stop] if name in ROW_EVIDENCE else value for name, value in evidence.items()}


def findings_of(check, rows, evidence, size=1000):
    state = check.start()
    for start in range(0, len(rows), size):
        state = check.update(state, rows[start : start + size], part(evidence, start, start + size))
    return check.findings(state)


def test_it_finds_the_planted_fault(name):
    check = CHECKS[name]()
    dirty, evidence = planted(check, 0)
    found = findings_of(check, dirty, evidence)
    assert [finding.code for finding in found] == [check.code]
    assert found[0].severity in ("info", "warning", "error")
    assert 0 < found[0].count <= len(dirty)
    assert found[0].message


def test_it_is_silent_on_the_clean_twin(name):
    check = CHECKS[name]()
    clean_rows, evidence = planted(check, 1)
    assert clean_rows
    assert findings_of(check, clean_rows, evidence) == []


def test_it_is_silent_without_rows(name):
    check = CHECKS[name]()
    assert check.findings(check.start()) == []


def test_the_size_of_batches_does_not_matter(name):
    check = CHECKS[name]()
    dirty, evidence = planted(check, 0)
    assert findings_of(check, dirty, evidence, size=1) == findings_of(check, dirty, evidence)


def test_merging_is_as_one_pass(name):
    check = CHECKS[name]()
    for case in check.planted():
        rows, evidence = case.rows, case.evidence
        for cut in {0, 1, len(rows) // 2, len(rows) - 1, len(rows)}:
            halves = [check.start(), check.start()]
            for half, (start, stop) in enumerate(((0, cut), (cut, len(rows)))):
                if start < stop:
                    halves[half] = check.update(halves[half], rows[start:stop], part(evidence, start, stop))
            assert check.findings(check.merge(*halves)) == findings_of(check, rows, evidence), cut


def test_a_safe_fix_removes_the_fault_and_can_be_undone(name):
    check = CHECKS[name]()
    dirty, evidence = planted(check, 0)
    found = findings_of(check, dirty, evidence)
    rows = {row.place.id for row in dirty}
    for finding in found:
        if finding.fix:
            assert rows.issuperset(finding.fix.drops)
            assert rows.issuperset(edit[0] for edit in finding.fix.edits)
    cleaned = clean(dirty, found)
    assert undo(cleaned.records, cleaned.changes) == dirty
    if found[0].fix and found[0].fix.safe:
        left = {row.place.id for row in cleaned.records}
        kept = [index for index, row in enumerate(dirty) if row.place.id in left]
        rest = {name: value[kept] if name in ROW_EVIDENCE else value for name, value in evidence.items()}
        assert findings_of(check, cleaned.records, rest) == []
        assert cleaned.findings[0].fixed
    else:
        assert cleaned.records == dirty
        assert not cleaned.findings[0].fixed


def test_findings_are_json(name):
    check = CHECKS[name]()
    dirty, evidence = planted(check, 0)
    for finding in findings_of(check, dirty, evidence):
        assert json.loads(json.dumps(finding.to_json()))["code"] == check.code


def test_it_says_what_it_needs_and_has_a_summary(name):
    check = CHECKS[name]()
    assert re.fullmatch(r"[A-Z]\d{3}", check.code)
    assert check.needs <= EVIDENCE
    assert check.wants <= OFFERS
    for case in check.planted():
        assert check.needs <= case.evidence.keys()
        assert check.wants <= case.evidence["content"].offers
    assert catalog.summary("check", name).startswith(check.code)


def test_its_code_has_a_page(name):
    code = CHECKS[name].code
    pages = Path(tunesmith.__file__).parent / "explanations"
    page = tomllib.loads((pages / f"{code[0]}.toml").read_text("utf-8"))[code]
    assert page.keys() == {"title", "why", "fix"}
    assert all(page.values())
