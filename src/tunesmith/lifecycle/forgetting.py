"""Removes versions that still hold what was redacted, and says which those are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from tunesmith.data import forgotten, journal, version
from tunesmith.events import Event, Finished, Note, Stage
from tunesmith.home import home_folder
from tunesmith.lifecycle.datasets import Dataset
from tunesmith.lifecycle.results import Result


def forget(refs: Sequence[str], *, home: Path | str | None = None) -> Iterator[Event]:
    """Remove the rows of versions from the home for good; that they were there stays noted: Finished(Result)."""
    place = home_folder(home)
    digests = {ref: version.find(place, ref) for ref in refs}
    for ref, digest in digests.items():
        if not digest:
            version.load(place, ref)  # says what there is instead
    for ref, digest in digests.items():
        forgotten.forget(place, digest)
        yield Stage("forget", f"{ref} · {digest[:12]}")
    yield Note("reports of runs made from them are left as they are: tunesmith runs ls")
    yield Finished(Result({"forgotten": list(digests.values())}))


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
