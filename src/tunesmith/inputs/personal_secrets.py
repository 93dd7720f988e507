"""Detectors of keys and secrets: shapes that issuers publish, assignments of random-looking values, private keys."""

from __future__ import annotations

import math
import re
from collections import Counter

from tunesmith.inputs.personal_words import Detector, has, when

_WHOLE = r"(?<![\w-]){}(?![\w-])"
_SHORTEST = 20  # characters of the shortest of these shapes
# name → (signs that a text with one must hold, its shape)
_SHAPES: dict[str, tuple[tuple[str, ...], str]] = {
    "aws-key-id": (
        ("AKIA", "ASIA", "AROA", "AIDA", "AGPA", "ANPA", "ANVA", "AIPA"),
        r"A(?:KIA|SIA|ROA|IDA|GPA|NPA|NVA|IPA)[A-Z0-9]{16}",
    ),
    "google-key": (("AIza",), r"AIza[\w-]{35}"),
    "google-token": (("ya29.", "GOCSPX-"), r"(?:ya29\.[\w-]{20,400}|GOCSPX-[\w-]{28})"),
    "github-token": (
        ("gh", "github_pat_"),
        r"(?:gh[pousr]_[A-Za-z0-9]{36,255}|github_pat_[A-Za-z0-9_]{22,255})",
    ),
    "gitlab-token": (("glpat-", "gldt-", "glrt-"), r"gl(?:pa|d|r)t-[\w-]{20,64}"),
    "slack-token": (("xox", "xapp-"), r"(?:xox[abeoprs]|xapp)-[\w-]{16,250}"),
    "slack-webhook": (
        ("hooks.slack.com",),
        r"https://hooks\.slack\.com/services/T\w{6,14}/B\w{6,14}/\w{20,32}",
    ),
    "stripe-key": (
        ("_live_", "_test_", "whsec_"),
        r"(?:[rsp]k_(?:live|test)_[0-9A-Za-z]{16,250}|whsec_[0-9A-Za-z+/]{32,64})",
    ),
    "api-key": (("sk-",), r"sk-(?:[a-z]{3,8}-|[a-z]{3}-[a-z0-9]{5}-)?[\w-]{20,250}"),
    "hub-token": (("hf_",), r"hf_[A-Za-z0-9]{30,60}"),
    "package-token": (("npm_", "pypi-"), r"(?:npm_[A-Za-z0-9]{36}|pypi-[\w-]{50,250})"),
    "sendgrid-key": (("SG.",), r"SG\.[\w-]{16,32}\.[\w-]{16,64}"),
    "mail-key": (("key-",), r"key-[0-9a-f]{32}"),
    "twilio-key": (("AC", "SK"), r"(?:AC|SK)[0-9a-f]{32}"),
    "digitalocean-token": (("_v1_",), r"do[opr]_v1_[0-9a-f]{64}"),
    "shopify-token": (("shp",), r"shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}"),
    "telegram-token": ((":AA",), r"\d{8,10}:AA[\w-]{33}"),
    "databricks-token": (("dapi",), r"dapi[0-9a-f]{32}"),
    "vault-token": (("hvs.", "hvb."), r"hv[sb]\.[\w-]{24,300}"),
    "atlassian-token": (("ATATT3", "ATCTT3"), r"AT[AC]TT3[\w=-]{50,300}"),
    "notion-token": (("secret_", "ntn_"), r"(?:secret|ntn)_[A-Za-z0-9]{40,60}"),
    "storage-key": (("AccountKey=",), r"AccountKey=(?P<value>[A-Za-z0-9+/]{86}==)"),
    "age-key": (("AGE-SECRET-KEY-1",), r"AGE-SECRET-KEY-1[0-9A-Z]{58}"),
    "jwt": (("eyJ",), r"eyJ[\w-]{8,2000}\.eyJ[\w-]{8,4000}\.[\w-]{8,1000}"),
}
# the body ends at the next five dashes, so that a text of headings costs linear time
_PRIVATE = re.compile(
    r"-----BEGIN (?:[A-Z0-9]{2,10} ){0,3}PRIVATE KEY(?: BLOCK)?-----(?:[^-]|-(?!----)){0,16000}"
    r"(?:-----END (?:[A-Z0-9]{2,10} ){0,3}PRIVATE KEY(?: BLOCK)?-----)?"
)
_NAMED = re.compile(
    r"(?:passw(?:or)?d|passwort|passphrase|pwd|secret|token|api[_ -]?key|access[_ -]?key|auth[_-]?key|credential)"
    r"(?:[_-]?(?:key|id|token))?[\"'\]]{0,2}\s{0,3}(?::=|=>|=|:|\bis\b|\bwas\b)\s{0,3}[\"'`]?"
    r"(?P<value>[^\s\"'`,;<>{}()\[\]]{6,200})",
    re.IGNORECASE,
)
_BEARER = re.compile(r"\b(?:bearer|basic)\s{1,3}(?P<value>[\w+/=.~-]{16,2000})", re.IGNORECASE)
_KIND_OF_SIGN = (re.compile("[a-z]"), re.compile("[A-Z]"), re.compile("[0-9]"), re.compile(r"[^\w.:/,-]"))
_STAND_IN = re.compile(
    r"(?:your|my[_-]|example|change|insert|xxx|\*\*\*|\.\.\.|\$\w|%\w{1,40}%|%\(|%s|os\.|process\.|env\b)",
    re.IGNORECASE,
)


def entropy(value: str) -> float:
    """Bits a character, by how often each character stands in the value (Shannon)."""
    shares = [count / len(value) for count in Counter(value).values()]
    return -sum(share * math.log2(share) for share in shares)


def _secret(value: str) -> int:
    """How many characters of a named value are a secret: two kinds of signs, no stand-in, no word, no path."""
    value = value.rstrip(".!?:")
    kinds = [bool(kind.search(value)) for kind in _KIND_OF_SIGN]
    mixed = len(value) >= 6 and sum(kinds) > 1 and (kinds[2] or kinds[3]) and any(kinds[:2])
    return len(value) if mixed and not _STAND_IN.match(value) and entropy(value) > 2.2 else 0


SECRETS = (
    *(
        Detector(
            name,
            "secret",
            re.compile(_WHOLE.format(shape)),
            0.97,
            gate=has(*map(str.lower, signs)),
            word=_SHORTEST,
        )
        for name, (signs, shape) in _SHAPES.items()
    ),
    Detector("private-key", "secret", _PRIVATE, 1.0, gate=has("-----begin ")),
    Detector(
        "named-secret",
        "secret",
        _NAMED,
        0.9,
        _secret,
        gate=has("passw", "pwd", "secret", "token", "key", "credential", "passphrase"),
    ),
    Detector(
        "bearer-token",
        "secret",
        _BEARER,
        0.9,
        when(lambda value: bool(re.search(r"\d", value)) and entropy(value) > 3),
        gate=has("bearer ", "basic "),
    ),
)
