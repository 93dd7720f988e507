"""What a server takes: sizes, strict JSON, hosts, origins, tokens."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunesmith.errors import AccessError, CapacityError, DataError, TunesmithError
from tunesmith.serve.limits import (
    REFUSALS,
    Limits,
    allowed_hosts,
    host_allowed,
    origin_allowed,
    parse_json,
    refusal,
    request_id,
    status_of,
    token_matches,
)

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(), inner, max_size=5),
    max_leaves=20,
)


@given(PLAIN)
def test_plain_json_is_read_as_written(value):
    assert parse_json(json.dumps(value).encode(), Limits()) == value


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(body):
    try:
        parse_json(body, Limits())
    except TunesmithError as refused:
        assert status_of(refused)[0] in {400, 413}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b'{"input": "a"',
        b'{"a": 1, "a": 2}',
        b'{"input": NaN}',
        b"[-Infinity]",
        b"\xff\xfe{\x00",
        b'{"input": "\xc3"}',
        b"\xef\xbb\xbf{}",
        b"[" * 100_000,
        b"[" * 20 + b"]" * 20,
        b'{"a":' * 20 + b"1" + b"}" * 20,
        b'{"n": ' + b"9" * 5000 + b"}",
        json.dumps({str(n): n for n in range(65)}).encode(),
        b'{"input": "a"} trailing',
        b"{'input': 'a'}",
        b'{"input": "\\ud800"}',
        b'{"\\uDFFF": "a"}',
        b'{"input": ["a", "b \\udc00\\ud800"]}',
    ],
)
def test_hostile_json_is_refused(body):
    with pytest.raises(DataError) as refused:
        parse_json(body, Limits())
    assert refused.value.code == "V101"


def test_escaped_characters_and_whole_surrogate_pairs_are_read():
    assert parse_json(b'["\\u00e9 \\ud83d\\ude42 \\\\ud800 \\u0000"]', Limits()) == ["é 🙂 \\ud800 \x00"]


def test_a_list_longer_than_a_request_is_refused_before_its_elements_are_looked_at():
    with pytest.raises(CapacityError) as refused:
        parse_json(b"[" + b"1," * 300 + b"1]", Limits())
    assert refused.value.code == "V104"


def test_texts_are_counted_and_measured():
    limits = Limits(texts=3, chars=5)
    limits.check_texts(["12345", ""], "input")
    for texts, code, where in (
        ([], "V102", "input"),
        (["a"] * 4, "V104", "input"),
        (["a", "123456"], "V105", "input[1]"),
    ):
        with pytest.raises(TunesmithError) as refused:
            limits.check_texts(texts, "input")
        assert (refused.value.code, refused.value.where) == (code, where)


def test_limits_grow_to_cover_the_golden_rows():
    golden = ["x" * 200_000] * 300
    limits = Limits().covering(golden)
    limits.check_texts(golden, "input")
    assert limits.body_bytes > len(json.dumps({"input": golden}))
    assert Limits().covering(["short"]) == Limits()


@pytest.mark.parametrize(
    ("host", "allowed"),
    [
        ("127.0.0.1", True),
        ("127.0.0.1:8080", True),
        ("LOCALHOST:8080", True),
        ("[::1]:8080", True),
        ("", False),
        ("evil.example", False),
        ("localhost.evil.example", False),
        ("127.0.0.1.nip.io", False),
        ("localhost:8080@evil.example", False),
        ("evil.example#localhost", False),
        ("localhost, evil.example", False),
        ("localhost:", False),
        ("localhost:999999", False),
        ("10.0.0.5", False),
        ("localhost.", False),
        ("::1", False),
        ("localhost\r\nx: y", False),
    ],
)
def test_hosts_of_a_loopback_server(host, allowed):
    assert host_allowed(host, allowed_hosts("127.0.0.1")) is allowed


def test_a_server_bound_to_every_address_takes_addresses_but_no_foreign_names():
    allowed = allowed_hosts("0.0.0.0", ["Models.Example"])
    assert all(host_allowed(h, allowed) for h in ("10.0.0.5:80", "[fe80::1]", "models.example", "localhost"))
    assert not any(host_allowed(h, allowed) for h in ("evil.example", "10.0.0.5.nip.io", "[zz]"))
    assert host_allowed("10.0.0.9:1", allowed_hosts("10.0.0.9"))
    assert host_allowed("[fd00::2]", allowed_hosts("fd00::2"))


@pytest.mark.parametrize(
    ("origin", "site", "host", "allowed"),
    [
        ("", "", "localhost:8080", True),
        ("http://localhost:8080", "same-origin", "localhost:8080", True),
        ("http://LOCALHOST", "none", "localhost:80", True),
        ("http://localhost:3000", "", "localhost:8080", False),
        ("null", "", "localhost:8080", False),
        ("https://evil.example", "", "localhost:8080", False),
        ("http://localhost:8080.evil.example", "", "localhost:8080", False),
        ("http://localhost:8080/x", "", "localhost:8080", False),
        ("file://", "", "localhost:8080", False),
        ("", "cross-site", "localhost:8080", False),
        ("", "same-site", "localhost:8080", False),
    ],
)
def test_origins(origin, site, host, allowed):
    assert origin_allowed(origin, site, host) is allowed


def test_tokens():
    assert token_matches("", "")
    assert token_matches("Bearer sesame", "sesame")
    assert token_matches("bearer  sesame ", "sesame")
    for wrong in ("", "sesame", "Basic sesame", "Bearer", "Bearer sesam", "Bearer sesame2", "Bearer \udcff"):
        assert not token_matches(wrong, "sesame")


def test_request_ids_are_kept_where_harmless():
    assert request_id("abc-1.2_Z") == "abc-1.2_Z"
    for given_id in ("", "a b", "a\r\nset-cookie: x", "x" * 65, "é"):
        fresh = request_id(given_id)
        assert fresh != given_id
        assert len(fresh) == 32
    assert request_id() != request_id()


def test_every_refusal_has_a_status_of_its_own_kind():
    for code, (status, kind, _) in REFUSALS.items():
        assert status_of(refusal(code, "x")) == (status, kind)
        assert 400 <= status < 600
    assert status_of(DataError("F020", "x"))[0] == 400
    assert status_of(AccessError("A401", "x"))[0] == 500
