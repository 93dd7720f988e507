"""Glossaries: how the file is read, when a term holds, and what breaks it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from answering import said
from tunesmith.errors import DataError
from tunesmith.inputs.terms import Term, breaches, glossary, kept

GERMAN = "Bitte senden Sie die Rechnung an das Konto, das wir für Sie eröffnet haben."
TABLE = """source,target,language,forbidden
invoice,Rechnung|Rechnungs*,de,Faktura
invoice,invoice,en,bill
account,client account,,client
,,,"cheap*|crap"
"""


def write(folder: Path, text: str, name: str = "terms.csv") -> Path:
    path = folder / name
    path.write_text(text, "utf-8")
    return path


def test_a_file_becomes_terms(tmp_path: Path) -> None:
    terms = glossary(write(tmp_path, TABLE))
    assert terms[0] == Term("invoice", ("Rechnung", "Rechnungs*"), ("Faktura",), "de")
    assert terms[3] == Term("", (), ("cheap*", "crap"), "")
    assert [term.place.line for term in terms] == [2, 3, 4, 5]


def test_tabs_and_missing_columns_are_fine(tmp_path: Path) -> None:
    path = write(tmp_path, "target\tlanguage\nRechnung\tDE\nKonto\tde\n", "terms.tsv")
    assert glossary(path) == (
        Term(targets=("Rechnung",), language="de"),
        Term(targets=("Konto",), language="de"),
    )


def test_a_table_of_something_else_and_an_empty_row(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        glossary(write(tmp_path, "text,label\nhello there,greeting\nbye now,farewell\n"))
    assert caught.value.code == "G840" and caught.value.where.endswith("terms.csv")
    with pytest.raises(DataError) as caught:
        glossary(write(tmp_path, "source,target\ninvoice,Rechnung\naccount, *\n"))
    assert caught.value.code == "G841" and ":3" in caught.value.where


@pytest.mark.parametrize(
    ("term", "text", "there"),
    [
        ("invoice", "Invoice 7", True),
        ("invoice", "invoices", False),
        ("invoice*", "two invoices", True),
        ("iPhone", "an Iphone", False),
        ("Rechnung", "die Rechnung.", True),
        ("Rechnung", "die rechnung", False),
        ("client  account", "client\naccount", True),
        ("c++", "in C++.", True),
        (".net", "ASP.NET", True),
        ("発票", "この発票は", True),
        ("gpt-4", "GPT-4o", False),
    ],
)
def test_when_a_term_stands_in_a_text(term: str, text: str, there: bool) -> None:
    assert Term(targets=(term,)).breaches(text) == ([] if there else [f"'{term}' is missing"])
    assert Term(forbidden=(term,)).breaches(text) == ([f"'{term}' is used"] if there else [])


def test_a_forbidden_term_within_a_required_one_is_no_breach() -> None:
    term = Term(targets=("client account",), forbidden=("client",))
    assert term.breaches("Open the client account.") == []
    assert term.breaches("The client has a client account.") == ["'client' is used"]


def test_a_term_holds_for_its_source_and_its_language(tmp_path: Path) -> None:
    terms = glossary(write(tmp_path, TABLE))
    asked = "How do I say: please send the INVOICE?"
    assert breaches(terms, asked, GERMAN) == []
    assert breaches(terms, asked, GERMAN.replace("Rechnung", "Faktura")) == [
        "'Rechnung or Rechnungs*' is missing",
        "'Faktura' is used",
    ]
    assert breaches(terms[:2], "Where is my parcel?", GERMAN) is None
    # an answer in the wrong language is judged by the language of the reference
    assert breaches(terms[:1], asked, "Send the invoice.", GERMAN) == ["'Rechnung or Rechnungs*' is missing"]
    assert breaches(terms[:2], asked, "ok") is None


def test_rows_of_answers() -> None:
    terms = [Term("order 1", ("parcel",)), Term("order 2", (), ("late",))]
    found = kept(terms, said(["hello", "the parcel", "it is late", "late"]))
    assert found.tolist() == [[0, 0], [1, 1], [0, 1], [0, 0]]
    assert kept(terms, said([])).shape == (0, 2)


@given(st.text(min_size=1, max_size=20), st.text(max_size=40))
def test_any_term_is_found_in_itself_and_no_text_breaks_it(word: str, text: str) -> None:
    term = Term(targets=(word,), forbidden=(word,))
    assert len(term.breaches(text)) < 2
    if word.strip(" *") == word.strip() != "" and not word.isspace():
        assert Term(targets=(word.strip(),)).breaches(f"a {word.strip()} b") == []
