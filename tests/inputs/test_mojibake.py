from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunesmith.inputs import mojibake


def misread(text: str) -> str:
    """UTF-8 as a program shows it that takes it for Windows-1252, and for Latin-1 where that has no letter."""
    return "".join(bytes([byte]).decode("cp1252", "ignore") or chr(byte) for byte in text.encode("utf-8"))


@pytest.mark.parametrize(
    "text",
    [
        "un café froid",
        "I don’t know — “really”…",
        "Übergröße für Öl",
        "naïve façade",
        "5 € and 3 £",
        "smile \U0001f642 now",
        "Я потерял карту",
        "退款 请尽快处理",
        "El niño está aquí",
    ],
)
def test_what_was_misread_is_read_again(text: str) -> None:
    broken = misread(text)
    assert mojibake.garbled(broken)
    assert mojibake.read_again(broken) == text


def test_twice_misread() -> None:
    assert mojibake.read_again(misread(misread("déjà vu"))) == "déjà vu"


def test_windows_signs_that_latin_1_lost() -> None:
    assert mojibake.read_again("I don\x92t \x93know\x94") == "I don’t “know”"


def test_a_hard_blank_that_became_a_plain_one() -> None:
    assert mojibake.read_again("prÃ³ximo Ã superfície") == "próximo à superfície"


@pytest.mark.parametrize(
    "text",
    [
        "un café froid",
        "« LE CAFÉ »",
        "«CAFÉ»",
        "NÃO É “JOÃO”",
        "Âge, Ã, Ångström",
        "50 °C ± 3",
        "line\x85next",
        "Привет",
        "plain ascii",
        "",
    ],
)
def test_right_letters_are_left_alone(text: str) -> None:
    assert not mojibake.garbled(text)
    assert mojibake.read_again(text) == text


@given(st.text(st.sampled_from("aeiou nst éèüöäßñçãõ.")))
def test_latin_texts_survive_one_misreading(text: str) -> None:
    assert mojibake.read_again(misread(text)) == text


@given(st.text())
def test_reading_again_comes_to_rest(text: str) -> None:
    once = mojibake.read_again(text)
    assert mojibake.garbled(text) == (not text.isascii() and once != text)
