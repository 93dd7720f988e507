"""Words as BLEU's reference scorer cuts them, known as tokenizer 13a."""

from __future__ import annotations

import re

_ENTITIES = (("&quot;", '"'), ("&amp;", "&"), ("&lt;", "<"), ("&gt;", ">"))
# marks that stand alone everywhere; a full stop or comma does unless it stands inside a number, a hyphen behind a digit
_ALONE = re.compile(r"""([!"#$%&()*+/:;<=>?@\[\\\]^_`{|}~])""")
_BEHIND = re.compile(r"([^0-9])([.,])")
_BEFORE = re.compile(r"([.,])([^0-9])")
_HYPHEN = re.compile(r"([0-9])(-)")


def tokens(text: str) -> list[str]:
    """Words and marks in order, case kept.  A word that a hyphen divides at the end of a line is joined."""
    text = text.rstrip().replace("<skipped>", "").replace("-\n", "").replace("\n", " ")
    for name, sign in _ENTITIES:
        text = text.replace(name, sign)
    text = _ALONE.sub(r" \1 ", f" {text} ")
    text = _BEFORE.sub(r" \1 \2", _BEHIND.sub(r"\1 \2 ", text))
    return _HYPHEN.sub(r"\1 \2 ", text).split()
