from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunesmith.inputs import leftovers


@pytest.mark.parametrize(
    ("text", "kind", "left"),
    [
        ("fish &amp; chips", "entities", "fish & chips"),
        ("less &lt;#&gt; more", "entities", "less <#> more"),
        ("it&#39;s &#8220;so&#8221;", "entities", "it's “so”"),
        ("one<br/>two<BR>three", "tags", "one\ntwo\nthree"),
        ("<p>Dear <b>you</b>,</p>hello", "tags", "Dear you,\nhello"),
        ('see <a href="x">this</a>', "tags", "see this"),
    ],
)
def test_leftovers_of_pages(text: str, kind: str, left: str) -> None:
    assert leftovers.marked_up(text) == kind
    assert leftovers.plain(text) == left


@pytest.mark.parametrize(
    "text",
    [
        "AT&T; R&D",
        "a < b and c > d",
        "x<i and j>y are numbers, i < 3",
        "<PERSON> said <unk>",
        "Write HTML: <p>hello</p>",
        "```\n<br>\n```",
        "I <3 you",
        "",
    ],
)
def test_signs_and_texts_about_html_are_left_alone(text: str) -> None:
    assert not leftovers.marked_up(text)


@pytest.mark.parametrize(
    ("text", "left"),
    [
        (r"Hello\n\nyour card", "Hello\n\nyour card"),
        (r"one\r\ntwo", "one\ntwo"),
        (r"un caf\u00e9", "un café"),
        (r"smile \ud83d\ude42", "smile \U0001f642"),
        (r"say \"yes\" now", 'say "yes" now'),
    ],
)
def test_escapes_are_resolved(text: str, left: str) -> None:
    assert leftovers.escaped(text)
    assert leftovers.resolved(text) == left


@pytest.mark.parametrize(
    "text",
    [
        r"C:\new\table\users",
        r"\nu and \theta and \rho",
        r'print("a\n\nb")',
        r"\frac{1}{2} \neq \u0041",
        "a real\nline and one \\n",
        "back\\slash",
        "",
    ],
)
def test_code_paths_and_formulas_are_left_alone(text: str) -> None:
    assert not leftovers.escaped(text)


def test_half_a_pair_is_not_resolved() -> None:
    assert leftovers.resolved(r"\ud83d alone") == r"\ud83d alone"


@given(st.text(st.sampled_from('ab\\nrtu0"\n &;<>#xp/')))
def test_any_text_can_be_looked_at(text: str) -> None:
    assert leftovers.marked_up(text) in ("", "entities", "tags")
    if leftovers.escaped(text):
        assert leftovers.resolved(text) != text
    assert leftovers.plain(text).encode("utf-8", "surrogatepass") is not None
