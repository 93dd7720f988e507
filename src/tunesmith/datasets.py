"""The verbs on data sets as plain functions: `from tunesmith import datasets; datasets.fix("tickets.csv")`.

They are the commands of the same name under `tunesmith data`; data is a file, a name, 'name@2' or the first digits of a
version's digest.  Each gives a Result; every error is a TunesmithError.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tunesmith.lifecycle import ancestry, carding, curating, dividing, exporting, merging, run, viewing
from tunesmith.lifecycle.results import Result

Data = Path | str
Folder = Path | str | None
Fields = Mapping[str, str] | None


def fix(
    data: Data,
    *codes: str,
    dry_run: bool = False,
    ignore: Mapping[str, str] | None = None,
    test: Data = "",
    form: str = "",
    fields: Fields = None,
    licence: str = "",
    home: Folder = None,
) -> Result:
    """The safe fixes, and those of the codes named, as a new version; ignore: code → why it does not matter."""
    about = {"form": form, "fields": fields, "licence": licence, "home": home}
    return run(curating.fix(str(data), codes, dry_run=dry_run, ignore=ignore, test=str(test), **about))


def undo(data: Data, *, home: Folder = None) -> Result:
    """The name stands for the version before again."""
    return run(curating.undo(str(data), home=home))


def merge(
    *data: Data, name: str = "", form: str = "", fields: Fields = None, licence: str = "", home: Folder = None
) -> Result:
    """Several data sets of one content as one version."""
    refs = [str(each) for each in data]
    return run(merging.merge(refs, name=name, form=form, fields=fields, licence=licence, home=home))


def sample(
    data: Data,
    rows: int,
    *,
    stratify: bool = False,
    seed: int = 0,
    name: str = "",
    form: str = "",
    fields: Fields = None,
    home: Folder = None,
) -> Result:
    """Rows drawn by chance as a version of its own."""
    drawn: dict[str, Any] = {"stratify": stratify, "seed": seed, "name": name}
    return run(curating.sample(str(data), rows, form=form, fields=fields, home=home, **drawn))


def split(
    data: Data,
    *,
    validation: float = 0.15,
    test: float = 0.15,
    group: str = "",
    by_time: str = "",
    form: str = "",
    fields: Fields = None,
    home: Folder = None,
) -> Result:
    """Divide into train, validation and test; nothing leaks.  group, by_time: columns."""
    shares = {"validation": validation, "test": test}
    about: dict[str, Any] = {"group": group, "by_time": by_time, "form": form, "fields": fields, "home": home}
    return run(dividing.split(str(data), **shares, **about))


def diff(first: Data, second: Data, *, form: str = "", fields: Fields = None, home: Folder = None) -> Result:
    """Which rows came, went and changed."""
    return run(viewing.diff(str(first), str(second), form=form, fields=fields, home=home))


def show(
    data: Data,
    *,
    rows: int = 10,
    where: Sequence[str] = (),
    form: str = "",
    fields: Fields = None,
    home: Folder = None,
) -> Result:
    """The first rows; where: 'field=value', all must hold."""
    return run(viewing.show(str(data), rows=rows, where=where, form=form, fields=fields, home=home))


def stats(data: Data, *, form: str = "", fields: Fields = None, home: Folder = None) -> Result:
    """Labels, lengths, duplicates, scripts and tokens."""
    return run(viewing.stats(str(data), form=form, fields=fields, home=home))


def ls(*, home: Folder = None) -> list[dict[str, Any]]:
    """All dataset versions."""
    return viewing.ls(home=home)


def lineage(data: Data, *, home: Folder = None) -> Result:
    """Where a version comes from, and what was made with it."""
    return run(ancestry.lineage(str(data), home=home))


def export(
    data: Data,
    out: Data,
    *,
    to: str = "",
    by_side: bool = False,
    form: str = "",
    fields: Fields = None,
    home: Folder = None,
) -> Result:
    """The rows as a file, or a folder with one for each side.  to: the form in which they are written."""
    about: dict[str, Any] = {"read_form": form, "fields": fields, "home": home}
    return run(exporting.export(str(data), str(out), form=to, by_side=by_side, **about))


def card(
    data: Data,
    *,
    licence: str = "",
    language: Sequence[str] = (),
    out: Data = "",
    form: str = "",
    fields: Fields = None,
    home: Folder = None,
) -> Result:
    """The data set's card as Markdown (`result["card"]`), and as a file where `out` names one."""
    about: dict[str, Any] = {"form": form, "fields": fields, "home": home}
    return run(carding.card(str(data), licence=licence, language=language, out=str(out), **about))
