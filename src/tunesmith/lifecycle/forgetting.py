"""Removes versions that still hold what was redacted, and says which those are."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from tunesmith.data import forgotten, journal, version
from tunesmith.events import Event, Finished, Note, Stage
from tunesmith.home import home_folder
from tunesmith.lifecycle.datasets import Dataset
from tunesmith.lifecycle.results import Result

_WAY = ("parent", "steps", "sources")  # what the journal keeps of how a name came to a version


def forget(refs: Sequence[str], *, home: Path | str | None = None) -> Iterator[Event]:
    """Remove the rows of versions from the home for good; that they were there stays noted: Finished(Result).

    A name that stood for one of them stands for the nearest version before it that has its rows, else for the newest
    other one of the name.  Where none is left it stays: whoever asks for it hears when its rows were forgotten.
    """
    place = home_folder(home)
    digests = {ref: version.find(place, ref) for ref in refs}
    for ref, digest in digests.items():
        if not digest:
            version.load(place, ref)  # says what there is instead
    for ref, digest in digests.items():
        forgotten.forget(place, digest)
        yield Stage("forget", f"{ref} · {digest[:12]}")
    moved = _names_moved(place, set(digests.values()))
    for name, new in moved.items():
        said = f"{name} is {new} again" if new else f"no version of {name} is left"
        yield Stage("version", said)
    yield Note("reports of runs made from them are left as they are: tunesmith runs ls")
    yield Finished(Result({"forgotten": list(digests.values()), "moved": moved}))


def _names_moved(home: Path, gone: Collection[str]) -> dict[str, str]:
    """Move each name that stands for a version that is gone; name → what it stands for, '' where none is left."""
    moved = {}
    for name, digests in journal.numbered(home).items():
        if (latest := journal.latest(home, name)) not in gone:
            continue
        left = [digest for digest in digests if forgotten.holds(home, digest)]
        before = (digest for digest in _ancestors(home, name, latest) if digest in left)
        back = next(before, left[-1] if left else "")
        if back:
            way = journal.noted(home, name, back)
            journal.note(home, name, back, **{key: way[key] for key in _WAY if key in way})
        moved[name] = journal.named(home, back, name) if back else ""
    return moved


def _ancestors(home: Path, name: str, digest: str) -> list[str]:
    """The versions by which a name came to this one, nearest first."""
    found: list[str] = []
    while (digest := str(journal.noted(home, name, digest).get("parent", ""))) and digest not in found:
        found.append(digest)
    return found


def raw_versions(home: Path, made: Dataset) -> list[str]:
    """Versions in the home that were made from the same files and hold their rows as they were."""
    known = {each.get("sha256") for each in made.sources} - {None}
    found: dict[str, None] = {}
    for note in journal.notes(home):
        same = known & {each.get("sha256") for each in note.get("sources", ())}
        verbs = [step["verb"] for step in note.get("steps", ())]
        raw = "redact" not in verbs or "restore" in verbs[verbs.index("redact") :]
        if same and raw and note["digest"] != made.digest and forgotten.holds(home, note["digest"]):
            found[note["digest"][:12]] = None
    return list(found)
