"""`chat`: questions to a model at the prompt, its answers as they are written; beside it another one, if wanted."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Annotated, Any

import typer

from tunesmith.cli import options
from tunesmith.cli.console import clean, one_line, put, put_json, tell, width

GAP = " │ "
HELP = "/new begins anew · /exit or Ctrl-D ends · Ctrl-C ends an answer"


def chat(
    model: options.Model,
    vs: Annotated[
        str,
        typer.Option("--vs", metavar="base|MODEL", help="Another model beside it, on the same questions."),
    ] = "",
    system: Annotated[
        str, typer.Option("--system", metavar="TEXT", help="What the model is told first.")
    ] = "",
    temperature: Annotated[
        float, typer.Option("--temperature", min=0, max=2, help="0: always the likeliest token.")
    ] = 0.0,
    max_tokens: Annotated[
        int, typer.Option("--max-tokens", min=1, help="Tokens of an answer at most.")
    ] = 256,
    seed: Annotated[int, typer.Option("--seed", help="The same seed gives the same answer.")] = 0,
    home: options.Home = None,
    json: options.Json = False,
) -> int:
    """Talk with a model.  Where standard input is no terminal, each of its lines is a question by itself.

    \b
    tunesmith chat helper --vs base
    echo "Name three rivers." | tunesmith chat helper --json
    """
    from tunesmith.lifecycle import talking
    from tunesmith.parts import Wish

    talks = talking.talks(model, vs=vs, system=system, home=home)
    wish = Wish(max_tokens=max_tokens, temperature=temperature, seed=seed)
    if sys.stdin.isatty() and not json:
        return _prompted(talks, wish)
    for question in _lines():
        for talk in talks:
            talk.forget()
        told: list[list[Any]] = [[] for _ in talks]
        for number, piece in talking.answers(talks, question, wish):
            told[number].append(piece)
        _tell(question, talks, [talking.whole(pieces) for pieces in told], json)
    return 0


def _lines() -> Iterator[str]:
    import io

    stdin = io.TextIOWrapper(sys.stdin.buffer, encoding="utf-8-sig", errors="replace", newline="\n")
    return (line for each in stdin if (line := each.strip()))


def _tell(question: str, talks: Sequence[Any], answers: Sequence[Any], as_json: bool) -> None:
    if as_json:
        said = [
            {"model": talk.model.name, **answer.to_json()}
            for talk, answer in zip(talks, answers, strict=True)
        ]
        put_json({"question": question, "answers": said})
        return
    for talk, answer in zip(talks, answers, strict=True):
        name = f"{talk.model.name}: " if len(talks) > 1 else ""
        put(name + one_line(answer.text, 10_000))


# ---- at a terminal ---------------------------------------------------------------------------------------------------


def _prompted(talks: Sequence[Any], wish: Any) -> int:
    with suppress(ImportError):
        import readline  # noqa: F401 - `input` edits lines and remembers them once it is there
    tell(f"{' beside '.join(talk.model.name for talk in talks)} · {HELP}")
    while True:
        try:
            question = input("> ").strip()
        except (EOFError, KeyboardInterrupt):
            put()
            return 0
        if question in ("/exit", "/quit"):
            return 0
        if question == "/new":
            for talk in talks:
                talk.forget()
        elif question:
            _answered(talks, question, wish)


def _answered(talks: Sequence[Any], question: str, wish: Any) -> None:
    from tunesmith.lifecycle import talking

    show = Columns([talk.model.name for talk in talks]) if len(talks) > 1 else Plain()
    pieces = talking.answers(talks, question, wish)
    try:
        for number, piece in pieces:
            show.add(number, piece.text, piece.end)
    except KeyboardInterrupt:
        pieces.close()  # type: ignore[attr-defined]
    show.finish()


class Plain:
    """One answer, written as it comes."""

    def add(self, number: int, text: str, end: str) -> None:
        """Show a piece."""
        sys.stdout.write(clean(text) + (" … (max-tokens)" if end == "length" else ""))
        sys.stdout.flush()

    def finish(self) -> None:
        """End the line."""
        put()


class Columns:
    """Answers side by side.  A row is written once each column has a full line for it, so no cursor ever moves."""

    def __init__(self, names: Sequence[str], room: int = 0) -> None:
        self._size = max(10, ((room or width()) - len(GAP) * (len(names) - 1)) // len(names))
        self._texts, self._shown, self._over = [""] * len(names), 0, [False] * len(names)
        put(self._row([one_line(name, self._size) for name in names]))
        put(self._row(["─" * self._size for _ in names]))

    def add(self, number: int, text: str, end: str) -> None:
        """Take a piece and show the rows that are complete."""
        self._texts[number] += clean(text) + (" …" if end == "length" else "")
        self._over[number] = self._over[number] or bool(end)
        self._show([self._lines(at) for at in range(len(self._texts))])

    def finish(self) -> None:
        """Show what is left."""
        self._over = [True] * len(self._texts)
        self._show([self._lines(at) for at in range(len(self._texts))])
        put()

    def _lines(self, number: int) -> list[str]:
        """The lines of a column that no further piece can change."""
        lines = [
            part
            for line in self._texts[number].split("\n")
            for part in textwrap.wrap(line, self._size, break_on_hyphens=False) or [""]
        ]
        return lines if self._over[number] else lines[:-1]

    def _show(self, columns: Sequence[Sequence[str]]) -> None:
        ready = max(map(len, columns)) if all(self._over) else None
        if ready is None:  # a column that is over waits for nobody
            ready = min(len(lines) for lines, over in zip(columns, self._over, strict=True) if not over)
        for at in range(self._shown, ready):
            put(self._row([lines[at] if at < len(lines) else "" for lines in columns]))
        self._shown = max(self._shown, ready)
        sys.stdout.flush()

    def _row(self, cells: Sequence[str]) -> str:
        return GAP.join(cell.ljust(self._size) for cell in cells).rstrip()
