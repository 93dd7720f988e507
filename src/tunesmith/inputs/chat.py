"""The one place where conversations and texts become tokens: for training, evaluation, serving and export.

What is learnt follows from the template by construction (`spoken`): the words of the assistant and the token that ends
them.  What a model is asked is the beginning of what it was taught, token for token.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import takewhile
from typing import Any

from tunesmith import doors
from tunesmith.errors import DataError
from tunesmith.inputs.base_template import about as about
from tunesmith.inputs.base_template import template as template
from tunesmith.inputs.rendered import Rendered
from tunesmith.inputs.sandbox import Refused
from tunesmith.inputs.templates import Template
from tunesmith.inputs.windows import Truncation, divided, fitted
from tunesmith.parts import Tokens

Turns = Sequence[Mapping[str, Any]]


def tokens(
    rules: Template, turns: Turns, *, tools: Any = None, truncation: Truncation = "left", window: int = 0
) -> list[Tokens]:
    """A conversation as none, one or many windows; each learnt token has the weight of its turn.

    None for a conversation that the template refuses, which the check T406 names, and for one that truncation 'drop'
    leaves out.
    """
    _require_tokenizer(rules)
    seen = rules.see(turns, tools)
    windows = placed(rules, seen, truncation=truncation, window=window)
    return [replace(each, ids=tuple(seen.ids[at] for at in each.ids)) for each in windows]


def placed(rules: Template, seen: Rendered, *, truncation: Truncation, window: int) -> list[Tokens]:
    """The windows of `tokens`, with the places of tokens in the conversation as their ids."""
    if seen.refusal:
        return []
    keep = _kept(rules, seen.ids)
    places = range(len(seen.ids))
    return fitted(places, seen.token_weights(), truncation=truncation, window=window, keep=keep)


def asked(rules: Template, turns: Turns, *, tools: Any = None, window: int = 0, room: int = 0) -> list[int]:
    """The tokens to which the assistant's next turn is written.

    A longer conversation than the window has space for beside `room` tokens of the answer loses its oldest turns, then
    the start of its last one; what the system says stays as long as it can.  The answer gets at most half of the
    window.  Raises DataError T420 where the template refuses the conversation.
    """
    _require_tokenizer(rules)
    try:
        whole = rules.asked(turns, tools)
    except Refused as refusal:
        raise _refused(rules, refusal) from None
    space = _space(window, room)
    if not space or len(whole.ids) <= space:
        return list(whole.ids)
    head = list(takewhile(lambda turn: turn["role"] in ("system", "developer"), turns))
    for kept in (head, []) if head else ([],):
        if found := _shorter(rules, kept, turns[len(head) :], tools, space):
            return found
    return _end(whole.ids, space, _kept(rules, whole.ids))


def length(rules: Template, turns: Turns, *, tools: Any = None) -> int:
    """Tokens of what a conversation asks; 0 where the template refuses it."""
    _require_tokenizer(rules)
    try:
        return len(rules.asked(turns, tools).ids)
    except Refused:
        return 0


def plain_pair(
    rules: Template, prompt: str, completion: str | None, *, truncation: Truncation = "left", window: int = 0
) -> list[Tokens]:
    """A prompt and what follows it, without a frame: bos, prompt, completion, eos; the last two are learnt.

    They are cut into tokens apart.  Cut together, the last token of the prompt could reach into the completion, and
    the model would be asked with other tokens than it was taught.
    """
    before = _begun(rules, prompt)
    after = [] if completion is None else [*_encoded(rules, completion), *_id(rules, "eos_token")]
    weights = [0.0] * len(before) + [1.0] * len(after)
    weights[:1] = [0.0] * bool(weights)
    ids = [*before, *after]
    return fitted(ids, weights, truncation=truncation, window=window, keep=_kept(rules, ids))


def asked_plainly(rules: Template, text: str, *, window: int = 0, room: int = 0) -> list[int]:
    """The tokens of a text that is to be gone on from: the same as those of a prompt in `plain_pair`."""
    ids = _begun(rules, text)
    space = _space(window, room)
    return _end(ids, space, _kept(rules, ids)) if space else ids


def document(rules: Template, text: str, *, window: int = 0, stride: int = 0) -> list[Tokens]:
    """A plain text as windows: every token is learnt once, but the very first.

    bos, where the base has one, stands before every window.  stride: tokens that a later window adds (0: as many as
    fit; fewer give each token more of what came before it).
    """
    ids = _begun(rules, text)
    weights = [0.0, *[1.0] * (len(ids) - 1)] if ids else []
    if not window or len(ids) <= window:
        return [Tokens(tuple(ids), tuple(weights))] if ids else []
    return divided(ids, weights, window=window, stride=stride or window, keep=_kept(rules, ids))


# ---- shorter prompts -----------------------------------------------------------------------------------------------


def _space(window: int, room: int) -> int:
    """Tokens that a prompt may have; 0 for any number."""
    return max(window - room, window - window // 2, 1) if window else 0


def _end(ids: Sequence[int], space: int, keep: int) -> list[int]:
    if len(ids) <= space:
        return list(ids)
    keep = min(keep, space - 1)
    return [*ids[:keep], *ids[len(ids) - (space - keep) :]]


def _shorter(rules: Template, head: Turns, talk: Turns, tools: Any, space: int) -> list[int]:
    """The prompt without as few of the oldest turns as will do, else with the end of the last one; [] if neither does.

    A talk begins with a question, since many templates refuse others.
    """
    begins = [at for at, turn in enumerate(talk) if turn["role"] == "user"]
    if not begins:
        return []

    def ids_from(number: int) -> Rendered | None:
        try:
            return rules.asked([*head, *talk[begins[number] :]], tools)
        except Refused:
            return None

    last = ids_from(-1)
    if last is None:
        return []
    if len(last.ids) > space:
        return _within(last, str(talk[begins[-1]].get("content") or "").strip(), space)
    fewest, best = len(begins) - 1, last
    tried = 0
    while tried < fewest:  # the shorter the talk, the fewer tokens: halve what is left to try
        middle = (tried + fewest) // 2
        found = ids_from(middle)
        if found and len(found.ids) <= space:
            fewest, best = middle, found
        else:
            tried = middle + 1
    return list(best.ids)


def _within(made: Rendered, said: str, space: int) -> list[int]:
    """A prompt whose one text loses tokens at its start; [] where the rest alone is too long."""
    start = made.text.rfind(said) if said else -1
    inside = [
        at for at, (begin, end) in enumerate(made.offsets) if start <= begin and end <= start + len(said)
    ]
    lost = len(made.ids) - space
    if start < 0 or lost >= len(inside):
        return []
    gone = set(inside[:lost])
    return [each for at, each in enumerate(made.ids) if at not in gone]


# ---- tokens of the base ----------------------------------------------------------------------------------------------


def _begun(rules: Template, text: str) -> list[int]:
    return [*_id(rules, "bos_token"), *_encoded(rules, text)]


def _encoded(rules: Template, text: str) -> tuple[int, ...]:
    _require_tokenizer(rules)
    return rules.encode(text)[0] if rules.encode and text else ()


def _bos(rules: Template) -> tuple[int, ...]:
    return _lone(rules, "bos_token")


def _eos(rules: Template) -> tuple[int, ...]:
    return _lone(rules, "eos_token")


def _lone(rules: Template, word: str) -> tuple[int, ...]:
    found = _encoded(rules, rules.words.get(word, ""))
    return found if len(found) == 1 else ()


def _id(rules: Template, word: str) -> tuple[int, ...]:
    """The id of a special token; none where the base has no such token."""
    return rules.once(_bos if word == "bos_token" else _eos)


def _kept(rules: Template, ids: Sequence[int]) -> int:
    """How many tokens at the start stay where the start is cut: the bos token's 1, or 0."""
    return int(tuple(ids[:1]) == _id(rules, "bos_token") != ())


def _require_tokenizer(rules: Template) -> None:
    if rules.encode is None:
        doors.open("tokenizers")


def _refused(rules: Template, refusal: Refused) -> DataError:
    return DataError(
        "T420",
        f"the chat template of '{rules.name}' refuses the conversation: {refusal}",
        expected="roles in an order that the template writes",
        fixes=("put the system's text into the first question", "--template FILE.jinja"),
        where="messages",
    )
