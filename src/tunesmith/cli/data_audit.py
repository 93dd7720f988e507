"""The command `data audit`: labels shown one by one, answered by single keys or on a sheet."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from tunesmith.cli import options
from tunesmith.cli.console import clean, one_line, put_result, tell

KEYS = "a accept · 1-9 relabel · s skip · u undo · q quit and keep"
SHOWN = 1200  # characters of a text

Who = Annotated[
    str, typer.Option("--who", metavar="NAME", help="Whose answers these are; kept in the version.")
]
Share = Annotated[
    float, typer.Option("--share", min=0.001, max=1.0, help="Of the labels, how many are looked at.")
]
Export = Annotated[Path | None, typer.Option("--export", metavar="CSV", help="Write the queue as a sheet.")]
Import = Annotated[Path | None, typer.Option("--import", metavar="CSV", help="Read the answers of a sheet.")]
Finish = Annotated[bool, typer.Option("--finish", help="Make the version now, from the answers there are.")]
Worth = Annotated[
    tuple[str, str] | None,
    typer.Option("--worth", metavar="BEFORE AFTER", help="What the answers brought: two models on --on."),
]
On = Annotated[
    str,
    typer.Option("--on", metavar="DATA", help="With --worth: labelled rows for both; else DATA's test side."),
]


def audit(
    data: options.Ref,
    who: Who = "me",
    share: Share = 0.1,
    export: Export = None,
    import_: Import = None,
    finish: Finish = False,
    worth: Worth = None,
    on: On = "",
    text: options.Text = "",
    label: options.Label = "",
    form: options.Form = "",
    columns: options.Columns = None,
    base: options.Base = "",
    home: options.Home = None,
    offline: options.Offline = False,
    json: options.Json = False,
) -> int:
    """Look at labels, the most suspicious first, then some by chance for an honest error rate.

    \b
    Each answer is kept as it is given; the end of the queue (or --finish) makes a new version with who and when.
    tunesmith data audit tickets.csv
    tunesmith data audit tickets.csv --who ann --export sheet.csv      … fill in the column `answer`
    tunesmith data audit tickets.csv --who ann --import sheet.csv --finish
    tunesmith data audit tickets --worth tickets@1 tickets@2
    """
    from tunesmith.cli import ask, ending
    from tunesmith.lifecycle import auditing

    options.go_offline(offline)
    fields = {**options.pairs(columns, "--field"), **options.fields(text, label)}
    if worth:
        return _worth(data, worth, on, fields, home, json)
    opened = ask.answered(
        lambda given: ending.followed(
            lambda _: auditing.open_audit(
                data, share=share, form=form, fields=given, base=base, offline=offline, home=home
            )
        ),
        fields,
        json,
    )
    if import_:
        tell(f"{auditing.import_sheet(opened, import_, who):,} answers taken from {import_}")
    if export:
        tell(f"{len(opened.items):,} rows written to {auditing.export(opened, export, who)}")
    done = not (export or import_ or finish) and _asked(opened, who)
    made = ending.followed(lambda _: auditing.finish(opened)) if finish or done else None
    put_result(made.to_dict() if made else opened.summary(), json, _lines)
    return 0


def _worth(
    data: str, models: tuple[str, str], on: str, fields: dict[str, str], home: Path | None, json: bool
) -> int:
    from tunesmith.cli import ending, tables
    from tunesmith.lifecycle.worth import worth

    result = ending.followed(lambda _: worth(data, *models, on, fields=fields, home=home)).to_dict()
    put_result(result, json, tables.comparison)
    return 0


def _asked(opened: Any, who: str) -> bool:
    """Go through the queue; whether it is at its end and nobody else is in the middle of it."""
    from tunesmith.errors import Interrupted, UsageError

    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise UsageError(
            "L219",
            "the queue is answered by keys, and there is no terminal here",
            expected="a terminal, or a sheet",
            fixes=(
                f"tunesmith data audit {opened.dataset.ref} --export sheet.csv",
                f"tunesmith data audit {opened.dataset.ref} --import sheet.csv --finish",
            ),
            where=opened.dataset.ref,
        )
    try:
        with _keys() as key:
            ended = _loop(opened, who, key)
    except KeyboardInterrupt:
        again = f"tunesmith {shlex.join(sys.argv[1:])}"
        raise Interrupted(
            "R130", "interrupted", expected="the answers so far are kept", fixes=(again,)
        ) from None
    judged = opened.summary()["judged"]
    return ended and all(count == len(opened.items) for count in judged.values())


def _loop(opened: Any, who: str, key: Callable[[], str]) -> bool:
    """Show item after item until the queue ends (True) or the user leaves (False)."""
    total, left = len(opened.items), opened.left(who)
    tell(KEYS)
    while left:
        item = left[0]
        _show(item, total - len(left) + 1, total)
        pressed = key()
        if pressed in ("q", "", "\x03", "\x04"):
            tell(f"kept; go on with the same command ({len(left):,} left)")
            return False
        if pressed == "u":
            back = opened.undo(who)
            left = [back, *left] if back else left
        elif answer := _answer(item, pressed):
            opened.say(who, item, *answer)
            tell(f"→ {answer[0]}{' ' + answer[1] if answer[1] else ''}")
            left = left[1:]
        else:
            tell(KEYS)
    return True


def _answer(item: Any, pressed: str) -> tuple[str, str] | None:
    """(verdict, label) of a key; None for one that means nothing here."""
    if pressed in ("a", "s"):
        return ("accept" if pressed == "a" else "skip"), ""
    number = int(pressed) if pressed in "123456789" else 0
    return ("relabel", item.likely[number - 1]) if 0 < number <= len(item.likely) else None


def _show(item: Any, number: int, total: int) -> None:
    text = clean(item.text)
    tell()
    tell(f"{number}/{total}  {item.row}  {'by chance' if item.part == 'random' else 'suspicious'}")
    tell("  " + (text if len(text) <= SHOWN else text[:SHOWN] + " …").replace("\n", "\n  "))
    tell(f"  label: {one_line(item.label)}   (a)")
    for key, label in enumerate(item.likely, 1):
        tell(f"    {key}  {one_line(label, 60)}")


@contextmanager
def _keys() -> Iterator[Callable[[], str]]:
    """Within, single keys are read as they are pressed; Ctrl-C stays an interruption."""
    import termios
    import tty

    handle = sys.stdin.fileno()
    before = termios.tcgetattr(handle)
    try:
        tty.setcbreak(handle)
        yield lambda: os.read(handle, 1).decode("latin-1")
    finally:
        termios.tcsetattr(handle, termios.TCSADRAIN, before)


def _lines(result: dict[str, Any]) -> list[str]:
    people = ", ".join(f"{who} {count:,}" for who, count in result["judged"].items()) or "nobody yet"
    lines = [f"judged     {people} of {result['queue']:,} rows; {result['relabelled']:,} get another label"]
    for pair in result["agreement"]:
        both = " and ".join(pair["who"])
        lines.append(f"agreement  {both}: Cohen's kappa {pair['kappa']:.2f} on {pair['rows']:,} rows")
    if result["disagreed"]:
        lines.append(f"open       {len(result['disagreed']):,} rows on which they disagree stay as they are")
    if rate := result["error_rate"]:
        share = f"{rate['value']:.1%} ({rate['low']:.1%}–{rate['high']:.1%})"
        lines.append(f"errors     {share} of all labels are wrong, by {rate['n']:,} rows drawn by chance")
    if "version" in result:
        same = "   as it was: the answers change no label" if result["unchanged"] else ""
        lines.append(f"version    {result['version']}   {result['digest'][:12]}{same}")
        lines.append(f"answers    {result['answers']}   (who, what, when)")
        lines.append(f"next       tunesmith up {result['version']}")
    return lines
