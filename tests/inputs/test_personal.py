"""What the scan finds in texts and what it passes over; that it is linear, total and never shows what it found."""

from __future__ import annotations

import random
import string
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tunesmith.data.contents.chat import Chat
from tunesmith.fields import Record
from tunesmith.inputs import personal
from tunesmith.inputs.personal import find
from tunesmith.inputs.personal_money import IBAN_LENGTHS
from tunesmith.inputs.personal_words import Found

FOUND = [
    ("write to jo.doe+x@mail.example.org.", "email", "jo.doe+x@mail.example.org"),
    ("ring +44 20 7946 0123 please", "phone", "+44 20 7946 0123"),
    ("it's 0049 30 5550 1234", "phone", "0049 30 5550 1234"),
    ("we are at (212) 555-0143.", "phone", "(212) 555-0143"),
    ("or 212-555-0143x22", "phone", "212-555-0143x22"),
    ("Tel. 01.84.17.61.18", "phone", "01.84.17.61.18"),
    ("call 09061790121 from land", "phone", "09061790121"),
    ("my number: call 555-0143", "phone", "555-0143"),
    ("charged on 4111 1111 1111 1111 twice", "card", "4111 1111 1111 1111"),
    ("amex 3782-822463-10005", "card", "3782-822463-10005"),
    ("card 501864667909", "card", "501864667909"),
    ("to DE89 3704 0044 0532 0130 00 and more", "iban", "DE89 3704 0044 0532 0130 00"),
    ("to gb82west12345698765432!", "iban", "gb82west12345698765432"),
    ("from 84.120.33.7, twice", "ip", "84.120.33.7"),
    ("from 2001:db8:85a3::8a2e:370:7334", "ip", "2001:db8:85a3::8a2e:370:7334"),
    ("postgres://bob:hunter2@db.example.org/main", "login", "postgres://bob:hunter2@db.example.org/main"),
    ("born on 12 March 1986 in Rome", "birth-date", "12 March 1986"),
    ("DOB: 1990-05-15", "birth-date", "1990-05-15"),
    ('{"password": "aBcD1234EfGh"}', "secret", "aBcD1234EfGh"),
    ("Authorization: Bearer abc123DEF456ghi789JKL", "secret", "abc123DEF456ghi789JKL"),
    ("export API_KEY=9f8e7d6c5b4a39281706", "secret", "9f8e7d6c5b4a39281706"),
]
NOTHING = [
    "order 0344555018 came on 2024-11-03 at 12:30:45",
    "the flames win by 1200-1000=200 when they call",
    "invoice 212-555-0143",
    "version 2.14.3.1 on 127.0.0.1 and 0.0.0.0",
    "card 4111 1111 1111 1112",
    "article 4006381333931, 1234567890123",
    "DE89 3704 0044 0532 0130 01",
    "we met on 12 March 1986",
    "password: please reset it; token = your_token_here; the secret is out",
    "token: ${TOKEN} and key = os.environ['KEY_1']",
    "meet @ noon, a@b, user@localhost",
    "std::vector<int>::iterator and a::b",
    "https://example.org:8080/a@b",
    "call it 42 or 1,234,567.89 or 3.14159265",
    "basic understanding of responsibilities",
    "$1200000 - 450000 = 750000",
]


@pytest.mark.parametrize(("text", "group", "value"), FOUND, ids=lambda each: each[:20])
def test_it_finds(text, group, value):
    assert [(each.group, text[each.start : each.end]) for each in find(text)] == [(group, value)]


@pytest.mark.parametrize("text", NOTHING)
def test_it_passes_over(text):
    assert [(each.kind, text[each.start : each.end]) for each in find(text)] == []


def iban(country, rng):
    body = "".join(rng.choices(string.digits + string.ascii_uppercase, k=IBAN_LENGTHS[country] - 4))
    check = 98 - int("".join(str(int(c, 36)) for c in body + country + "00")) % 97
    return f"{country}{check:02}{body}"


@pytest.mark.parametrize("country", list(IBAN_LENGTHS))
def test_an_iban_of_every_country_is_found(country):
    value = iban(country, random.Random(country))
    spaced = " ".join(value[start : start + 4] for start in range(0, len(value), 4))
    for text in (f"to {value}.", f"to {spaced} now", f"({value.lower()})"):
        found = [each for each in find(text) if each.group == "iban"]
        assert [text[f.start : f.end].replace(" ", "").upper() for f in found] == [value], text


def secrets(rng):
    some = lambda alphabet, count: "".join(rng.choices(alphabet, k=count))  # noqa: E731
    word, hexa = string.ascii_letters + string.digits, "0123456789abcdef"
    yield "AKIA" + some(string.ascii_uppercase + string.digits, 16)
    yield "AIza" + some(word, 35)
    yield "ghp_" + some(word, 36)
    yield "glpat-" + some(word, 20)
    yield "xoxb-" + some(string.digits, 12) + "-" + some(word, 24)
    yield "sk_live_" + some(word, 24)
    yield "hf_" + some(word, 34)
    yield "SG." + some(word, 22) + "." + some(word, 43)
    yield "eyJ" + some(word, 30) + ".eyJ" + some(word, 80) + "." + some(word, 43)
    yield "dapi" + some(hexa, 32)
    yield f"-----BEGIN RSA PRIVATE KEY-----\n{some(word, 600)}\n-----END RSA PRIVATE KEY-----"


@pytest.mark.parametrize("seed", range(5))
def test_secrets_of_known_shapes_are_found_whole(seed):
    for secret in secrets(random.Random(seed)):
        text = f"I use {secret} for the job"
        found = find(text)
        assert [each.group for each in found] == ["secret"], (seed, secret[:8])
        assert text[found[0].start : found[0].end] == secret


def test_the_surer_of_two_that_overlap_stays():
    text = "postgres://bob:hunter2@db.example.org"
    assert [each.kind for each in find(text)] == ["login-url"]
    given = Found(0, len(text), "PER", "name", 1.0)
    assert find(text, also=[given]) == [given]


def test_only_the_groups_asked_for():
    text = "jo@example.org or call 555-0143"
    assert [each.group for each in find(text, ["phone"])] == ["phone"]
    # what is no wanted kind still keeps its place: a password within an address is no e-mail
    assert find("http://bob:x@mail.example.org", ["email"]) == []


def test_kinds_of_rows_speak_of_every_passage():
    messages = [
        {"role": "user", "content": "I am jo@example.org"},
        {"role": "assistant", "content": "call 555-0143"},
    ]
    rows = [Record({"messages": messages}), Record({"messages": []})]
    found = personal.kinds(rows, Chat())
    assert found.dtype == object
    assert found.shape == (2,)
    assert {personal.group_of(kind) for kind in found[0]} == {"email", "phone"}
    assert found[1] == frozenset()


PIECES = [
    *"0@.-()éXſK", "4111 1111", "+1 ", "-----BEGIN ", "PRIVATE KEY-----", "eyJ", "AKIA", "://", "a:b@", "::", "ssn ",
    "password=", "born ", "٣٤٥٦٧٨٩", "\ud800", "\u00a0", "GB82", "DE", "٠٠", "756.",
]  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.sampled_from(PIECES) | st.text(max_size=6) | st.from_regex(r"[0-9A-Za-z .-]{0,12}"), max_size=30
    )
)
def test_any_text_is_scanned_and_what_is_found_lies_apart_within_it(pieces):
    text = "".join(pieces)
    found = find(text)
    ends = [0, *(each.end for each in found)]
    assert all(end <= each.start < each.end <= len(text) for end, each in zip(ends, found, strict=False))
    assert all(0 < each.score <= 1 and each.group in personal.GROUPS for each in found)


@pytest.mark.parametrize(
    "piece",
    [
        "1", "1 ", "0-", "+1", "a@", "a.", "a@a.", "::", "-----BEGIN PRIVATE KEY-----", "eyJa.", "password=", "A1",
        "GB82 ", "ghp_", "http://a:", "born 1 ", "(1", "-", "AKIA", "1.1.", "bearer ", "key-a", "sk-", "x" * 50 + " ",
    ],
)  # fmt: skip
def test_time_grows_with_the_length_alone(piece):
    short, long = piece * (10_000 // len(piece)), piece * (80_000 // len(piece))

    def seconds(text):
        times = []
        for _ in range(2):
            begin = time.process_time()
            find(text)
            times.append(time.process_time() - begin)
        return max(0.005, *times)

    seconds(short)
    assert seconds(long) < 8 * 4 * seconds(short)
