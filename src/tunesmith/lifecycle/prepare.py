"""From a file to rows that can be trained on: sniff, map, check, clean, version, split."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tunesmith import catalog
from tunesmith.data import checking, cleaning, mapping, profile, split, splits, twins, version
from tunesmith.errors import DataError
from tunesmith.events import Event, Found, Saved, Stage
from tunesmith.fields import Record
from tunesmith.findings import Finding
from tunesmith.lifecycle import evidence, judged
from tunesmith.lifecycle.datasets import Dataset, opened
from tunesmith.lifecycle.known import Wanted
from tunesmith.lifecycle.streaming import is_large
from tunesmith.parts import Objective, Profile, Task
from tunesmith.recipe.sections import Recipe


@dataclass(frozen=True)
class Prepared:
    """Rows on their sides, and where they came from.

    groups: row key → id of its group (near-duplicates, equal group values), for test rows of a test file too.
    digests: version, split and test version, for the lineage.
    """

    task: Task
    recipe: Recipe
    name: str
    train: tuple[Record, ...]
    validation: tuple[Record, ...]
    test: tuple[Record, ...]
    groups: Mapping[str, int]
    findings: tuple[Finding, ...]
    digests: Mapping[str, str]
    mapping: Mapping[str, Any]
    rows: int

    @property
    def fitting(self) -> tuple[Record, ...]:
        """Training and validation rows: everything that the proof does not need."""
        return (*self.train, *self.validation)

    @property
    def profile(self) -> Profile:
        """The profile of the rows that are not for the proof."""
        return profile.profile(self.fitting, catalog.part("content", content_of(self.recipe))())

    @property
    def objective(self) -> Objective:
        """What the recipe minimises: it knows how the task reads its rows."""
        return catalog.make("objective", self.recipe.objective)


def content_of(recipe: Recipe) -> str:
    """The name of what the rows of a recipe hold: the objective's content, or else the task's."""
    return (
        catalog.part("objective", recipe.objective.name).content
        or catalog.part("task", recipe.task.name).content
    )


def check(
    recipe: Recipe, content: str, home: Path
) -> Generator[Event, None, tuple[Dataset, Dataset | None, list[Finding]]]:
    """Read the data (and the test file) and run every check; nothing is changed or refused yet."""
    rows = recipe.data
    dataset = yield from opened(rows.source, home, form=rows.form, fields=rows.fields, content=content)
    if is_large(dataset):
        raise _too_many(dataset)
    held_out = None
    if rows.test:
        held_out = yield from opened(rows.test, home, form=dataset.form, fields=rows.fields, content=content)
    yield Stage("check", f"{len(dataset.records):,} rows")
    total = len(dataset.records) + len(dataset.broken)
    lost = checking.broken_finding(dataset.broken, total, rows.max_broken)
    known = yield from _evidence(recipe, dataset)
    others = held_out.records if held_out else None
    judging = checking.checked(
        dataset.records, dataset.content, held_out=others, evidence=known, ignore=rows.ignore
    )
    about = _about(recipe, content, known, others is None)
    findings = yield from judged.kept(home, about, [dataset.records, others or ()], judging)
    return dataset, held_out, [*([lost] if lost else []), *findings]


def _evidence(recipe: Recipe, dataset: Dataset) -> Generator[Event, None, dict[str, Any]]:
    """What the task's checks must be told: the base's template, say, as the task will read the rows."""
    options = recipe.task.options
    wanted = Wanted(
        base=recipe.base,
        max_length=options.get("max_length", 0),
        truncation=options.get("truncation", "left"),
    )
    needs = catalog.part("task", recipe.task.name).evidence
    return (yield from evidence.gather(dataset.records, dataset.content, wanted, needs))


def _about(recipe: Recipe, content: str, known: Mapping[str, Any], alone: bool) -> dict[str, Any]:
    """What findings depend on beside rows and code."""
    options = {name: recipe.task.options.get(name) for name in ("max_length", "truncation")}
    base = judged.of_base(recipe.base, offline=True) if known else []
    told = {"names": sorted(known), "base": base, **options}
    return {"content": content, "alone": alone, "ignore": dict(recipe.data.ignore), "told": told}


def _too_many(dataset: Dataset) -> DataError:
    return DataError(
        "F043",
        f"{dataset.ref} holds {len(dataset.records):,} rows, more than are trained on in memory",
        expected="a part of them",
        fixes=(
            f"tunesmith data dedupe {dataset.ref} --out FOLDER",
            f"head -n 1000000 {dataset.ref} > part.jsonl",
        ),
        where=dataset.ref,
    )


def prepare(recipe: Recipe, home: Path) -> Generator[Event, None, Prepared]:
    """The whole way from the recipe's source to sides; the version and the split are saved under `home`."""
    task: Task = catalog.make("task", recipe.task)
    dataset, held_out, findings = yield from check(recipe, content_of(recipe), home)
    lost = len(dataset.broken)
    checking.refuse_if_broken(dataset.broken, len(dataset.records) + lost, recipe.data.max_broken)
    cleaned = cleaning.settled(dataset.records, _judge(dataset, findings, recipe), recipe.data.ignore)
    for finding in cleaned.findings:
        yield Found(finding)
    refuse(cleaned.findings, recipe)
    return (yield from _sides(recipe, task, dataset, held_out, cleaned, home))


def _judge(
    dataset: Dataset, findings: Sequence[Finding], recipe: Recipe
) -> Callable[[Sequence[Record]], Sequence[Finding]]:
    """The findings that are known of the data set's rows; of rows after a first round of fixes, what is found then."""

    def judge(rows: Sequence[Record]) -> Sequence[Finding]:
        known = rows is dataset.records
        return findings if known else checking.check(rows, dataset.content, ignore=recipe.data.ignore)

    return judge


def refuse(findings: Sequence[Finding], recipe: Recipe) -> None:
    """Raise DataError L200 when a finding that nobody fixed makes training pointless."""
    fatal = [
        finding
        for finding in findings
        if finding.severity == "error" and not finding.fixed and not finding.ignored
    ]
    if fatal:
        raise DataError(
            fatal[0].code,
            "; ".join(finding.message for finding in fatal),
            expected="data that a model can be trained and tested on",
            fixes=(
                *((fatal[0].fix.command,) if fatal[0].fix else ()),
                f"tunesmith data check {recipe.data.source}",
            ),
            where=str(fatal[0].places[0]) if fatal[0].places else recipe.data.source,
        )


def _sides(
    recipe: Recipe,
    task: Task,
    dataset: Dataset,
    held_out: Dataset | None,
    cleaned: cleaning.Cleaned,
    home: Path,
) -> Generator[Event, None, Prepared]:
    name = dataset.name
    test_rows = _readable(held_out, cleaned) if held_out else None
    made = _version(dataset, cleaned, home)
    folder = version.save(made, home, name)
    yield Saved("dataset", str(folder), made.digest)
    digests = {"version": made.digest}
    if test_rows is not None and held_out is not None:
        kept = version.make_version(test_rows, content=content_of(recipe), fields=dataset.fields)
        version.save(kept, home)
        test_rows, digests["test_version"] = list(kept.records), kept.digest
    divided = _split(recipe, task, made, test_rows, home, name, digests.get("test_version", ""))
    for finding in divided.findings:
        yield Found(finding)
    sides = divided.records(made.records, test_rows)
    yield Stage("split", " · ".join(f"{len(rows):,} {side}" for side, rows in sides.items()))
    return _prepared(
        recipe,
        task,
        name,
        made,
        test_rows,
        divided,
        digests,
        findings=(*cleaned.findings, *divided.findings),
        columns=mapping.Columns(dataset.columns, dataset.confidence or dict.fromkeys(dataset.columns, 1.0)),
        form=dataset.form,
    )


def _prepared(
    recipe: Recipe,
    task: Task,
    name: str,
    made: version.DatasetVersion,
    test_rows: Sequence[Record] | None,
    divided: split.Split,
    digests: Mapping[str, str],
    *,
    findings: Sequence[Finding],
    columns: mapping.Columns,
    form: str,
) -> Prepared:
    sides = {side: tuple(found) for side, found in divided.records(made.records, test_rows).items()}
    everything = [*made.records, *(test_rows or ())]
    return Prepared(
        task,
        _read_so(recipe, columns, form),
        name,
        sides["train"],
        sides["validation"],
        sides["test"],
        groups={record.key: int(group) for record, group in zip(everything, divided.groups, strict=False)},
        findings=tuple(findings),
        digests={**digests, "split": divided.digest},
        mapping={"columns": dict(columns.columns), "confidence": dict(columns.confidence)},
        rows=len(made.records),
    )


def _read_so(recipe: Recipe, columns: mapping.Columns, form: str) -> Recipe:
    """The recipe with the form and the columns that were found."""
    found = {"fields": dict(columns.columns), "form": form}
    return recipe.model_copy(update={"data": recipe.data.model_copy(update=found)})


def _readable(held_out: Dataset, cleaned: cleaning.Cleaned) -> list[Record]:
    """Test rows that can be scored, with the label spellings that cleaning chose for the training rows."""
    content = held_out.content
    edits = {c["before"]["value"]: c["after"]["value"] for c in cleaned.changes if c["action"] == "edit"}
    targets = [field.name for field in content.fields if field.role == "target" and field.kind == "category"]
    rows = []
    for record in held_out.records:
        unlabelled = "labels" in content.offers and not content.labels(record)
        if content.text(record).strip() and not unlabelled:
            spelt = {name: edits.get(record.fields[name], record.fields[name]) for name in targets}
            rows.append(replace(record, fields={**record.fields, **spelt}))
    return rows


def _version(dataset: Dataset, cleaned: cleaning.Cleaned, home: Path) -> version.DatasetVersion:
    """The version that is trained on: of a file a child of its name's newest one; a version with nothing to clean is
    itself."""
    made = version.make_version(
        cleaned.records,
        content=dataset.content_name,
        fields=dataset.fields,
        findings=cleaned.findings,
        changes=cleaned.changes,
        broken=dataset.broken,
        parent=dataset.digest or version.latest(home, dataset.name),
        steps=(*dataset.steps, {"verb": "fix"}),
        sources=dataset.sources,
    )
    return (
        replace(made, parent=dataset.parent, steps=dataset.steps) if made.digest == dataset.digest else made
    )


def _split(
    recipe: Recipe,
    task: Task,
    made: version.DatasetVersion,
    test_rows: Sequence[Record] | None,
    home: Path,
    name: str,
    test_version: str,
) -> split.Split:
    """The split of this version: the one that was made before, or a child of the name's newest one."""

    def make(parent: splits.Split | None) -> splits.Split:
        shown = catalog.make("objective", recipe.objective).shown
        texts = [task.text(shown(record)) for record in [*made.records, *(test_rows or ())]]
        return split.split(
            made.records,
            catalog.part("content", content_of(recipe))(),
            recipe.data.split,
            clusters=twins.twins(texts),
            parent=parent,
            test_records=test_rows,
            version=made.digest,
        )

    mark = {
        "name": name,
        "version": made.digest,
        "test": test_version,
        "rule": recipe.data.split.model_dump(),
    }
    # whatever rule divided them before: a row that proved a model of this name never trains the next one
    return splits.kept(home, mark, make, follows=lambda entry: True)


def again(recipe: Recipe, digests: Mapping[str, str], name: str, home: Path) -> Prepared:
    """The rows of an earlier run, from the store: what has happened to the source file since is of no account."""
    task: Task = catalog.make("task", recipe.task)
    made = version.load(home, digests["version"])
    held_out = digests.get("test_version", "")
    test_rows = list(version.load(home, held_out).records) if held_out else None
    divided = split.load_split(home, digests["split"])
    columns = mapping.Columns(recipe.data.fields, dict.fromkeys(recipe.data.fields, 1.0))
    known = {key: value for key, value in digests.items() if key in {"version", "test_version"}}
    return _prepared(
        recipe,
        task,
        name,
        made,
        test_rows,
        divided,
        known,
        findings=made.findings,
        columns=columns,
        form=recipe.data.form,
    )


def rehearsal(recipe: Recipe) -> Prepared:
    """The task's own samples in place of the data: every second row trains, the others choose and prove."""
    task: Task = catalog.make("task", recipe.task)
    objective: Objective = catalog.make("objective", recipe.objective)
    rows = objective.samples(task)
    train, validation, test = tuple(rows[::2]), tuple(rows[1::4]), tuple(rows[3::4])
    groups = {record.key: number for number, record in enumerate(rows)}
    return Prepared(
        task,
        recipe,
        "rehearsal",
        train,
        validation,
        test,
        groups=groups,
        findings=(),
        digests={"version": "rehearsal", "split": "rehearsal"},
        mapping={"columns": {}},
        rows=len(rows),
    )
