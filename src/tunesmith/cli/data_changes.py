"""What the commands that change data sets show: versions, rows that left, values that changed, sides."""

from __future__ import annotations

from collections.abc import Iterable

from tunesmith.cli.console import one_line
from tunesmith.cli.data_tables import LABELS, Result, more, pair, rows_of, version_of, written
from tunesmith.cli.tables import table, titled


def edits(changes: Iterable[Result]) -> list[str]:
    """Values that changed, one on a line."""
    return [
        f"{each['row']}  {each['code']}  {each['field']}: {pair(each['before'], each['after'])}"
        for each in changes
    ]


def fixed(found: Result) -> list[str]:
    """What `data fix` did: the version, rows that left, values that changed, what is still to do."""
    lines = titled(
        "Version", [version_of(found) if not found["dry_run"] else "a dry run: nothing was written"]
    )
    counts = f"{found['dropped']:,} left, {found['edited']:,} values changed"
    lines += titled("Rows", [f"{found['rows_before']:,} → {found['rows']:,}   {counts}"])
    lines += titled(
        "By code", [", ".join(f"{code} {n:,}" for code, n in found["by_code"].items()) or "nothing"]
    )
    if found["left"]:
        lines += ["", *titled("Left", [*rows_of(found["left"]), *more(found["dropped"], found["left"])])]
    if found["changed"]:
        lines += [
            "",
            *titled("Changed", [*edits(found["changed"]), *more(found["edited"], found["changed"])]),
        ]
    open_ = [each for each in found["findings"] if not each["fixed"] and not each["ignored"]]
    if open_:
        shown = [f"{each['severity']:<8} {each['code']}  {one_line(each['message'], 90)}" for each in open_]
        lines += ["", *titled("Open", shown)]
    if found["version"] and not found["dry_run"] and found["rows_before"] + found["edited"] != found["rows"]:
        lines += ["", *titled("Back", [f"tunesmith data undo {found['version'].partition('@')[0]}"])]
    return lines


def undone(found: Result) -> list[str]:
    """What `data undo` went back to."""
    return [
        *titled("Version", [version_of(found)]),
        *titled("Undone", [f"{found['undone']}: {found['step'].get('verb', '')}"]),
        *titled("Rows", [f"{found['rows_before']:,} → {found['rows']:,}"]),
    ]


def made(found: Result) -> list[str]:
    """A version that was made."""
    return [
        *titled("Version", [version_of(found)]),
        *titled("Rows", [f"{found['rows_before']:,} → {found['rows']:,}"]),
    ]


def merged(found: Result) -> list[str]:
    """What was put together."""
    doubles = (
        f"{found['duplicates']:,} rows say the same as another, {found['across']:,} of them across data sets"
    )
    return [
        *titled("Version", [version_of(found)]),
        *titled("Of", [" + ".join(found["of"])]),
        *titled("Rows", [f"{found['rows']:,}; {doubles}"]),
    ]


def divided(found: Result) -> list[str]:
    """The sides of a split, by label where there are few."""
    sides, labels = found["sides"], found["labels"]
    names = sorted({name for counts in labels.values() for name in counts})
    head = [["", *sides], ["rows", *(f"{count:,}" for count in sides.values())]]
    if len(names) <= LABELS:
        head += [[name, *(f"{labels[side].get(name, 0):,}" for side in sides)] for name in names]
    lines = titled(
        "Split", [found["split"][:12] or "from disk", *table(head, right=range(1, len(sides) + 1))]
    )
    lines += titled("Groups", [f"{found['groups']:,}; rows of one group are on one side"])
    if found["none"]:
        lines += titled("None", [f"{found['none']:,} rows stand between sides and enter none"])
    if found["moved"]:
        what = [
            f"{_rows(len(m['rows']))} {m['from']} → {m['to']} for {m['label'] or 'all'}"
            for m in found["moved"]
        ]
        lines += titled("Moved", [*what[:5], *more(len(what), what[:5])])
    lines += [f"{each['severity']:<9} {each['code']}  {each['message']}" for each in found["findings"]]
    if found["files"] or not found["version"]:
        return [*lines, *written(found)]
    return [*lines, *titled("Next", [f"tunesmith data export {found['version'][:12]} FOLDER --by-side"])]


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count:,} rows"


def exported(found: Result) -> list[str]:
    """The files that were written."""
    return table([[each["file"], f"{each['rows']:,} rows", each["sha256"][:12]] for each in found["files"]])
