"""Chat templates as ollama writes them, in Go's template language: derived from what a Jinja template writes, and run.

Only templates that put something before and after each turn can be derived: that is found by writing conversations of
words that no template knows, and proven by writing others.  What is written here is the part of Go's language that is
derived: a loop over messages, conditions on their role, and whether there is a system text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tunesmith.inputs.sandbox import Refused
from tunesmith.inputs.templates import Template

Turns = Sequence[Mapping[str, Any]]
WORDS = tuple(f"qz{name}qz" for name in ("sys", "ask", "say", "more", "then", "last"))
SYSTEM, ASK, SAY, MORE, THEN, LAST = WORDS
_ACTION = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
_ROLE = re.compile(r'(?:else )?if eq \.Role "(\w+)"')


@dataclass(frozen=True)
class Frame:
    """What stands around turns: opening where there is no system text, for each role (before, after), and at the end
    what asks the assistant to speak, beside what every question ends with.  system: None for a template without."""

    opening: str
    system: tuple[str, str] | None
    user: tuple[str, str]
    assistant: tuple[str, str]
    ask: str

    def program(self) -> str:
        """The Go template; with `.System` empty it opens as the Jinja template does without one."""
        opening = f"{{{{ if not .System }}}}{self.opening}{{{{ end }}}}" if self.opening else ""
        turns = "{{ else ".join(
            f'if eq .Role "{role}" }}}}{before}{{{{ .Content }}}}{after}'
            for role, (before, after) in self._roles()
        )
        return f"{opening}{{{{ range .Messages }}}}{{{{ {turns}{{{{ end }}}}{{{{ end }}}}{self.ask}"

    def _roles(self) -> Iterator[tuple[str, tuple[str, str]]]:
        if self.system is not None:
            yield "system", self.system
        yield from (("user", self.user), ("assistant", self.assistant))


def derived(rules: Template, begin: str) -> str:
    """The Go template of a chat template; `begin` is what ollama itself puts before every text.

    Raises ValueError, which says why there is none.
    """
    try:
        for frame in _frames(rules, begin):
            if not _wrong(frame, rules, begin):
                return frame.program()
    except Refused as refusal:
        raise ValueError(f"its chat template refuses a plain conversation: {refusal}") from None
    raise ValueError("its chat template does more than put something before and after each turn")


def _frames(rules: Template, begin: str) -> Iterator[Frame]:
    """What the template may mean, likeliest first: a text between two turns can belong to either."""
    alone = written(rules, begin, [_turn("user", ASK), _turn("assistant", SAY), _turn("user", MORE)])
    parts = re.split("|".join((ASK, SAY, MORE)), alone)
    if len(parts) != 4:  # words are changed, or left out
        return
    first, asked_said, said_asked, last = parts
    told = _told(rules, begin)
    after_ask = _common(asked_said, last)
    common = _common(first[::-1], said_asked[::-1])[::-1]
    if any(brace in alone + "".join(told or ()) for brace in ("{{", "}}")):
        return
    for size in range(len(common), -1, -1):
        before_ask = common[len(common) - size :]
        if told is None or told[1].endswith(before_ask):
            yield Frame(
                first[: len(first) - size],
                told and (told[0], told[1][: len(told[1]) - size]),
                (before_ask, after_ask),
                (asked_said[len(after_ask) :], said_asked[: len(said_asked) - size]),
                last[len(after_ask) :],
            )


def _told(rules: Template, begin: str) -> tuple[str, str] | None:
    """What stands before a system text, and between it and the question; None where the template refuses one."""
    try:
        told = written(rules, begin, [_turn("system", SYSTEM), _turn("user", ASK)])
    except Refused:
        return None
    head, _, rest = told.partition(SYSTEM)
    return head, rest.partition(ASK)[0]


def _common(one: str, other: str) -> str:
    """What both begin with."""
    pairs = enumerate(zip(one, other, strict=False))
    return one[: next((at for at, (a, b) in pairs if a != b), min(len(one), len(other)))]


def _wrong(frame: Frame, rules: Template, begin: str) -> bool:
    talk = [_turn("user", ASK), _turn("assistant", SAY), _turn("user", MORE), _turn("assistant", THEN)]
    talk += [_turn("user", LAST)]
    talks = [talk[:1], talk[:3], talk, *([[_turn("system", SYSTEM), *talk]] if frame.system else [])]
    return any(rendered(frame.program(), each) != written(rules, begin, each) for each in talks)


def written(rules: Template, begin: str, turns: Turns) -> str:
    """What the Jinja template writes of turns to be answered, without what is put before every text."""
    return rules.write([dict(turn) for turn in turns], prompt=True).removeprefix(begin)


def _turn(role: str, content: str) -> dict[str, str]:
    return {"role": role, "content": content}


# ---- running it --------------------------------------------------------------------------------------------------


def rendered(program: str, turns: Turns) -> str:
    """What ollama writes with a template of the kind that `derived` gives.  Raises ValueError for another kind."""
    head, loop, rest = program.partition("{{ range .Messages }}")
    body, ends, ask = rest.rpartition("{{ end }}{{ end }}")
    if not loop or not ends:
        raise ValueError("a template without a loop over messages")
    system = any(turn["role"] == "system" for turn in turns)
    roles = _roles(body)
    opening = "" if system else head.removeprefix("{{ if not .System }}").removesuffix("{{ end }}")
    return opening + "".join(_said(roles, turn) for turn in turns) + ask


def _roles(body: str) -> dict[str, tuple[str, str]]:
    """Role → (before, after), from a chain of conditions."""
    found: dict[str, list[str]] = {}
    role = ""
    parts = _ACTION.split(body)
    for number, part in enumerate(parts):
        condition = _ROLE.fullmatch(part.strip()) if number % 2 else None
        if condition:
            role = condition[1]
            found[role] = [""]
        elif number % 2 and part.strip() == ".Content":
            found[role].append("")
        elif number % 2:
            raise ValueError(f"an action that no derived template has: {part}")
        elif role:
            found[role][-1] += part
    return {role: (texts[0], texts[1]) for role, texts in found.items()}


def _said(roles: Mapping[str, tuple[str, str]], turn: Mapping[str, Any]) -> str:
    """A turn in its frame; of a role that the template does not name, nothing."""
    if turn["role"] not in roles:
        return ""
    before, after = roles[turn["role"]]
    return f"{before}{turn['content']}{after}"
