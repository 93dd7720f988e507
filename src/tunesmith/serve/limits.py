"""What a server takes and from whom: sizes, strict JSON, names it answers to, origins, the token."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import json
import re
import secrets
import socket
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tunesmith.errors import TunesmithError
from tunesmith.serve.refusals import REFUSALS as REFUSALS
from tunesmith.serve.refusals import refusal as refusal
from tunesmith.serve.refusals import status_of as status_of

ANY_ADDRESS = "*"
LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
MAX_DEPTH = 16
MAX_KEYS = 64
_AUTHORITY = re.compile(r"(\[[0-9a-f:.]{2,45}\]|[a-z0-9_-]+(?:\.[a-z0-9_-]+)*)(?::(\d{1,5}))?")
_ORIGIN = re.compile(r"(https?)://([^/?#@\s]+)")
_HALF = re.compile("[\ud800-\udfff]")
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


@dataclass(frozen=True)
class Limits:
    """body_bytes, header_bytes, texts: of one request.  chars: of one text.  answers: in words, to one request.

    body_seconds: within which the whole body must arrive.  answer_seconds: within which an answer in words must end.
    """

    body_bytes: int = 1 << 20
    texts: int = 256
    chars: int = 100_000
    body_seconds: float = 30.0
    header_bytes: int = 16 * 1024
    answers: int = 128
    answer_seconds: float = 600.0

    def covering(self, texts: Sequence[str]) -> Limits:
        """Limits under which these texts (the golden rows) still fit into one request."""
        return replace(
            self,
            body_bytes=max(self.body_bytes, 1024 + len(json.dumps({"input": list(texts)}))),
            texts=max(self.texts, len(texts)),
            chars=max(self.chars, *(len(text) for text in texts), 0),
        )

    def check_texts(self, texts: Sequence[str], where: str) -> None:
        """Raises DataError V102 for none, CapacityError V104 for too many, V105 for one that is too long."""
        if not texts:
            raise refusal("V102", "there is no text", expected="one text or more", where=where)
        if len(texts) > self.texts:
            raise refusal(
                "V104",
                f"{len(texts)} texts in one request",
                expected=f"at most {self.texts}",
                fixes=(f"send {self.texts} at a time", "tunesmith predict MODEL FILE"),
                where=where,
            )
        longest = max(range(len(texts)), key=lambda index: len(texts[index]))
        if len(texts[longest]) > self.chars:
            raise refusal(
                "V105",
                f"a text of {len(texts[longest])} characters",
                expected=f"at most {self.chars}",
                fixes=("send the part that matters; a classifier reads the start of a text",),
                where=f"{where}[{longest}]",
            )


# ---- JSON ----


def parse_json(body: bytes, limits: Limits) -> Any:
    """A request's JSON, without what parsers disagree on or choke on: twin keys, NaN, depth, bad UTF-8.

    Raises DataError V101, CapacityError V104 (a list longer than a request may have texts).
    """
    try:
        text = body.decode("utf-8")
        value = json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant)
    except UnicodeDecodeError as damage:
        raise _bad_json(f"byte {damage.start} of the body is not UTF-8") from None
    except json.JSONDecodeError as damage:
        raise _bad_json(f"{damage.msg} at line {damage.lineno}, column {damage.colno}") from None
    except RecursionError:
        raise _bad_json("it is nested too deeply") from None
    except ValueError as damage:
        raise _bad_json(
            str(damage) if isinstance(damage, _AmbiguousError) else "a number is too large"
        ) from None
    _measure(value, limits)
    if "\\u" in text and _HALF.search(json.dumps(value, ensure_ascii=False)):
        raise _bad_json("an escape is half of a surrogate pair, which is no character")
    return value


class _AmbiguousError(ValueError):
    pass


def _bad_json(found: str) -> TunesmithError:
    return refusal(
        "V101",
        f"the body is no JSON that can be trusted: {found}",
        expected="one JSON object in UTF-8",
        fixes=('curl … -H "content-type: application/json" -d \'{"input": "a text"}\'',),
    )


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise _AmbiguousError("a key stands twice in one object")
    return value


def _no_constant(word: str) -> Any:
    raise _AmbiguousError(f"{word} is no JSON number")


def _measure(value: Any, limits: Limits) -> None:
    """Bound depth and width before anything looks at each element."""
    level = [value]
    for _ in range(MAX_DEPTH):
        for item in level:
            if isinstance(item, list) and len(item) > limits.texts:
                raise refusal("V104", f"a list of {len(item)} elements", expected=f"at most {limits.texts}")
            if isinstance(item, dict) and len(item) > MAX_KEYS:
                raise _bad_json(f"an object has {len(item)} keys")
        level = [child for item in level if isinstance(item, (list, dict)) for child in _children(item)]
        if not level:
            return
    raise _bad_json("it is nested too deeply")


def _children(item: list[Any] | dict[str, Any]) -> Iterable[Any]:
    return item if isinstance(item, list) else item.values()


# ---- who asks ----


def allowed_hosts(bound: str = "", more: Sequence[str] = ()) -> frozenset[str]:
    """Names that a Host header may give: loopback's, the bound one, and `more` (names that a proxy forwards).

    Bound to every address, any IP literal will do: a page that rebinds DNS always comes with a name.
    """
    names = {*LOOPBACK, *(name.lower() for name in more)}
    if bound in {"0.0.0.0", "::"}:  # noqa: S104 - compared, not bound
        names |= {ANY_ADDRESS, socket.gethostname().lower()}
    elif bound:
        names.add(f"[{bound}]" if ":" in bound else bound.lower())
    return frozenset(names)


def host_allowed(host: str, allowed: frozenset[str]) -> bool:
    """Whether a Host header names this server; the port is not looked at.  Keeps out DNS rebinding."""
    match = _AUTHORITY.fullmatch(host.lower())
    if not match:
        return False
    return match[1] in allowed or (ANY_ADDRESS in allowed and _is_address(match[1].strip("[]")))


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def origin_allowed(origin: str, fetch_site: str, host: str) -> bool:
    """Whether a request comes from this server's own pages, or from no page at all (curl, a program).

    origin, fetch_site: the headers Origin and Sec-Fetch-Site, '' where absent.
    """
    if fetch_site and fetch_site not in {"same-origin", "none"}:
        return False
    if not origin:
        return True
    match = _ORIGIN.fullmatch(origin.lower())
    return bool(match) and _no_default_port(match[2]) == _no_default_port(host.lower())


def _no_default_port(authority: str) -> str:
    return re.sub(r":(80|443)$", "", authority)


def token_matches(authorization: str, token: str) -> bool:
    """Whether 'Bearer TOKEN' holds the token, in constant time; the token '' needs none."""
    scheme, _, given = authorization.partition(" ")
    same = hmac.compare_digest(_digest(given.strip()), _digest(token))
    return not token or (scheme.lower() == "bearer" and same)


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def request_id(given: str = "") -> str:
    """The caller's request id where it is harmless, else a new one."""
    return given if _REQUEST_ID.fullmatch(given) else secrets.token_hex(16)
