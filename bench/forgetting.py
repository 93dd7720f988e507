"""What continued pretraining takes from a small model, and how much of it each regularizer keeps.

    python bench/forgetting.py [--shared ../shared] [--work DIR] [--rows | --choose] [--seeds 3] [--out FILE]

A model of children's stories (stories260k-llama) goes on to learn the brothers Grimm's tales, whole: 43 tales to learn
from, 6 to choose by, 12 to prove on, by a hash of their titles.  Every run is the library's `train` on
recipes/grimm-replay.toml with the regularizer replaced.  What the base knew is measured on 500 stories that it wrote
itself (the product's own measure) and on five real ones; what a regularizer learns from are 500 stories of other seeds.

--choose: runs of one seed on the tales to choose by and on 200 stories of yet other seeds, for every value in GRID;
nothing of the proof is opened.  Without it, the values in CHOSEN are proven, three seeds each.

kept: the share of the loss in log-perplexity that plain tuning has and this one has not.  worse: the loss on new tales
÷ that of plain tuning − 1.  Intervals draw stories and tales anew, paired over runs of all seeds.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

import tunesmith
from tunesmith.approaches._tuned import Networked, untuned
from tunesmith.bases import resolve
from tunesmith.fields import Record, row_key
from tunesmith.findings import Place
from tunesmith.lifecycle import general
from tunesmith.model import Model
from tunesmith.train.engine import local

HERE = Path(__file__).resolve().parent
RECIPE = HERE.parent / "recipes" / "grimm-replay.toml"
PARTS = ("FIRST STORY", "SECOND STORY", "THE SALAD")  # headings inside of a tale, beside numbered ones
PROOF, CHOICE = 12, 6  # tales to prove on, to choose by
STORIES, OTHERS, OTHER_SEED = 500, 200, 3  # seeds 1 and 2 are the product's own: measure, rehearse
ENOUGH = {"kept": 0.5, "worse": 0.10, "loss": 2.5}  # loss: of plain tuning, on new tales
ASKED = ("ewc", "replay")  # of which kept and worse are asked
DRAWS, SEED = 2000, 20

Values = dict[str, Any]
CHOSEN: dict[str, Values] = {
    "none": {},
    "replay": {"share": 0.3},
    "ewc": {"strength": 20.0},
    "kl-to-base": {"strength": 1.0},
    "l2sp": {"strength": 0.1},
}
GRID: dict[str, list[Values]] = {
    "none": [{}],
    "replay": [{"share": value} for value in (0.1, 0.3)],
    "ewc": [{"strength": value} for value in (1.0, 20.0)],
    "kl-to-base": [{"strength": value} for value in (0.1, 1.0)],
    "l2sp": [{"strength": value} for value in (0.1, 1.0)],
}


def main() -> int:
    """Choose or prove; 1 where ewc or replay keep too little or cost too much."""
    options = _options()
    with tempfile.TemporaryDirectory(prefix="forgetting-") as folder:
        desk = Desk(Path(options.work or folder), Path(options.shared).resolve())
        if options.rows:
            return 0
        return (choose if options.choose else prove)(desk, options)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--shared", default="../shared", help="folder of data and models")
    parser.add_argument(
        "--work", default="", help="folder of rows, runs and what was measured; is taken up again"
    )
    parser.add_argument("--rows", action="store_true", help="only write the tales of each side into --work")
    parser.add_argument(
        "--choose", action="store_true", help="compare the values of GRID on what is to choose by"
    )
    parser.add_argument("--only", default="", help="one regularizer, or name:key=value of one")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--set", action="append", default=[], help="any value of the recipe, for every run")
    parser.add_argument("--out", default="")
    return parser.parse_args()


# ---- rows ---------------------------------------------------------------------------------------------------------


def tales(path: Path) -> list[tuple[str, str]]:
    """(title, text with its title) of each tale: a heading stands in capitals between empty lines."""
    found: list[tuple[str, list[str]]] = []
    before = ""
    for line in gzip.decompress(path.read_bytes()).decode("utf-8").splitlines():
        if line.upper() == line and len(line) > 3 and line[0].isalpha() and not before and line not in PARTS:
            found.append((line, []))
        if found:
            found[-1][1].append(line)
        before = line
    return [(title, "\n".join(lines).strip()) for title, lines in found]


def sides(all_tales: Sequence[tuple[str, str]]) -> dict[str, list[str]]:
    """The texts on each side; a function of the titles."""
    order = sorted(all_tales, key=lambda tale: hashlib.sha256(tale[0].encode()).hexdigest())
    texts = [text for _, text in order]
    last = PROOF + CHOICE
    return {"proof": texts[:PROOF], "choice": texts[PROOF:last], "learn": texts[last:]}


def real_stories(path: Path) -> list[str]:
    """The stories of a file in which each ends with a mark."""
    return [each.strip() for each in path.read_text("utf-8").split("<|endoftext|>") if each.strip()]


def write(path: Path, texts: Sequence[str]) -> None:
    """A text a row."""
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts), encoding="utf-8")


def records(texts: Sequence[str]) -> list[Record]:
    """Texts as the task reads them."""
    return [
        Record({"text": text}, Place("rows", n + 1), row_key({"text": text})) for n, text in enumerate(texts)
    ]


class Desk:
    """Files, the base, and what the runs so far gave."""

    def __init__(self, work: Path, shared: Path) -> None:
        self.work, self.home, self.known = work, work / "home", work / "runs.jsonl"
        self.base = shared / "models" / "stories260k-llama"
        texts = shared / "data" / "texts-public-domain"
        work.mkdir(parents=True, exist_ok=True)
        self.texts = sides(tales(texts / "grimms_fairy_tales.txt.gz"))
        self.texts["real"] = real_stories(texts / "tinystories_sample.txt")
        for name, rows in self.texts.items():
            write(self.file(name), rows)

    def file(self, name: str) -> Path:
        """The rows of a name."""
        return self.work / f"{name}.jsonl"

    def learnt(self, name: str, values: Values, seed: int, side: str, more: Sequence[str]) -> dict[str, Any]:
        """One run of the product, proven on a side; what is known of it already is read."""
        given = {
            "base": self.base, "data.source": self.file("learn"), "data.test": self.file(side),
            "regularizer.name": name, "train.seed": seed, "general.rows": STORIES,
            **{f"regularizer.{key}": value for key, value in values.items()},
        }  # fmt: skip
        if side == "proof":
            given["general.abilities.real"] = self.file("real")
        sets = [*(f"{key}={value}" for key, value in given.items()), *more]
        recipe, begun = _bare(self.work), time.monotonic()
        asked = {"sets": sets, "recipe": hashlib.sha256(recipe.read_bytes()).hexdigest()}
        known = [json.loads(line) for line in self.known.open()] if self.known.exists() else []
        for each in known:
            if asked.items() <= each.items():
                return each
        made = tunesmith.train(recipe, overrides=sets, home=self.home, offline=True)
        found = {
            **asked,
            "model": made["model"],
            "report": str(made.report),
            "seconds": time.monotonic() - begun,
        }
        with self.known.open("a") as file:
            file.write(json.dumps(found) + "\n")
        return found

    def before(self, model: Model) -> Networked:
        """The network as its base is."""
        return untuned(self.work, model.task, model.codec, resolve(str(self.base)), model.recipe)

    def stories(self, model: Model, count: int, seed: int) -> list[Record]:
        """Stories that the base writes; they are kept."""
        digest = resolve(str(self.base)).digest
        return general.written(
            lambda: self.before(model), model.codec, digest, count, self.home / "cache", seed
        )


def _bare(work: Path) -> Path:
    """The recipe without its comments, which change nothing, and its regularizer: another has other fields."""
    rest, inside = [], False
    for line in RECIPE.read_text("utf-8").splitlines():
        inside = line == "[regularizer]" if line.startswith("[") else inside
        rest += [] if inside or line.startswith("#") else [line]
    (work / "recipe.toml").write_text("\n".join(rest) + "\n", encoding="utf-8")
    return work / "recipe.toml"


# ---- what is measured ---------------------------------------------------------------------------------------------


def told(net: Any, model: Model, rows: Sequence[Record]) -> np.ndarray:
    """[B, 2]: of each row Σ −log-probability of its tokens, and how many they are."""
    task: Any = model.task
    outputs = local.predict(net, task, model.codec, rows)
    said = [task.decode(row, out, model.codec).likelihood for row, out in zip(rows, outputs, strict=True)]
    return np.array([(each.nll, each.tokens) for each in said])


def mean(table: np.ndarray, weights: np.ndarray | None = None) -> float:
    """Loss per token of [B, 2] with row weights [B]."""
    sums = table.sum(0) if weights is None else weights @ table
    return float(sums[0] / sums[1])


def drawn(rows: int, value: Callable[[np.ndarray], float]) -> list[float]:
    """(value, low, high): 95 % percentile interval of a function of row weights [B], rows drawn anew."""
    rng = np.random.default_rng(SEED)
    found = [value(np.bincount(rng.integers(rows, size=rows), minlength=rows)) for _ in range(DRAWS)]
    low, high = np.nanpercentile(found, [2.5, 97.5])
    return [round(each, 4) for each in (value(np.ones(rows)), float(low), float(high))]


def loss_of(tables: Sequence[np.ndarray]) -> list[float]:
    """The mean over runs of the loss on the same rows, with its interval."""
    return drawn(len(tables[0]), lambda weights: float(np.mean([mean(each, weights) for each in tables])))


def kept(
    base: np.ndarray,
    plain: Sequence[np.ndarray],
    own: Sequence[np.ndarray],
    scale: Callable[[Any], Any] = float,
) -> list[float]:
    """1 − what is lost here ÷ what plain tuning loses, in log-perplexity or (np.exp) in perplexity, over all seeds."""

    def share(weights: np.ndarray) -> float:
        known = scale(mean(base, weights))
        lost = [np.mean([scale(mean(each, weights)) for each in runs]) - known for runs in (plain, own)]
        return float(1 - lost[1] / lost[0])

    return drawn(len(base), share)


def worse(plain: Sequence[np.ndarray], own: Sequence[np.ndarray]) -> list[float]:
    """The loss ÷ that of plain tuning − 1, over runs of all seeds."""

    def rise(weights: np.ndarray) -> float:
        losses = [np.mean([mean(each, weights) for each in runs]) for runs in (plain, own)]
        return float(losses[1] / losses[0] - 1)

    return drawn(len(plain[0]), rise)


# ---- choose -------------------------------------------------------------------------------------------------------


def choose(desk: Desk, options: argparse.Namespace) -> int:
    """A line for each value in GRID, by what is to choose by alone."""
    found = []
    for name, grid in asked(GRID, options.only).items():
        for values in grid:
            run = desk.learnt(name, values, 0, "choice", options.set)
            model = tunesmith.load(run["model"], home=desk.home)
            others = desk.stories(model, OTHERS, OTHER_SEED)
            nets = desk.before(model).net, model.predictor.net  # type: ignore[attr-defined]
            new = [mean(told(net, model, records(desk.texts["choice"]))) for net in nets]
            old = [mean(told(net, model, others)) for net in nets]
            line = {"regularizer": name, **values, "set": options.set, "new": new, "old": old}
            found.append({**line, "seconds": round(run["seconds"])})
            print(json.dumps(found[-1]), flush=True)
    if options.out:
        Path(options.out).write_text(json.dumps({"choice": found}, indent=1) + "\n", encoding="utf-8")
    return 0


def asked(grid: dict[str, list[Values]], only: str) -> dict[str, list[Values]]:
    """What is to be tried.  only: 'ewc', or 'ewc:strength=3' for a value that the grid has not."""
    if not only:
        return grid
    name, _, given = only.partition(":")
    pairs = (each.split("=") for each in given.split(",") if each)
    values: Values = {key: float(value) for key, value in pairs}
    return {name: [values] if values else grid[name]}


# ---- prove --------------------------------------------------------------------------------------------------------


def prove(desk: Desk, options: argparse.Namespace) -> int:
    """Every regularizer with its chosen values; those of which something is asked come first, seed by seed."""
    told_by: dict[str, list[dict[str, np.ndarray]]] = {}
    base: dict[str, np.ndarray] = {}
    result: dict[str, Any] = {"reached": False}
    for name, seed in order(options):
        run = desk.learnt(name, CHOSEN[name], seed, "proof", options.set)
        model = tunesmith.load(run["model"], home=desk.home)
        rows = {"new": records(desk.texts["proof"]), "real": records(desk.texts["real"])}
        rows["stories"] = desk.stories(model, STORIES, general.MEASURE)
        base = base or {kind: told(desk.before(model).net, model, each) for kind, each in rows.items()}
        net = model.predictor.net  # type: ignore[attr-defined]
        tables = {kind: told(net, model, each) for kind, each in rows.items()}
        _same(json.loads(Path(run["report"]).with_suffix(".json").read_text()), tables)
        told_by.setdefault(name, []).append(tables)
        print(json.dumps(_line(name, seed, tables)), flush=True)
        result = summary(base, told_by)
        if options.out:
            Path(options.out).write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(result["asked"]))
    return int(not result["reached"])


def order(options: argparse.Namespace) -> list[tuple[str, int]]:
    """(regularizer, seed) of each run."""
    names = [name for name in CHOSEN if not options.only or name in ("none", options.only)]
    first = [name for name in names if name == "none" or name in ASKED]
    parts = (first, [name for name in names if name not in first])
    return [(name, seed) for part in parts for seed in range(options.seeds) for name in part]


def _line(name: str, seed: int, tables: dict[str, np.ndarray]) -> Values:
    return {
        "regularizer": name,
        "seed": seed,
        **{kind: round(mean(each), 4) for kind, each in tables.items()},
    }


def _same(report: dict[str, Any], tables: dict[str, np.ndarray]) -> None:
    """What is measured here is what the report of the run says."""
    told_there = [each["after"] for each in report["forgetting"]["abilities"]]
    told_there.append(report["test"]["chosen"]["loss"])
    for there, here in zip(told_there, (tables["stories"], tables["real"], tables["new"]), strict=True):
        if there["n"] != len(here) or abs(there["value"] - mean(here)) > 1e-4:
            raise SystemExit(f"the report says {there['value']:.4f}, here it is {mean(here):.4f}")


def summary(base: dict[str, np.ndarray], told_by: dict[str, list[dict[str, np.ndarray]]]) -> dict[str, Any]:
    """The table, and whether plain tuning, ewc and replay reach what is asked."""
    methods = {name: _method(name, base, told_by["none"], runs) for name, runs in told_by.items()}
    need = [methods[name] for name in ASKED if name in methods]
    reached = len(need) == len(ASKED) and methods["none"]["new_loss"][0] <= ENOUGH["loss"]
    reached = reached and all(
        min(each["kept_stories"][0], each["kept_real"][0]) >= ENOUGH["kept"]
        and each["worse"][0] <= ENOUGH["worse"]
        for each in need
    )
    rows = {kind: {"n": len(each), "tokens": int(each[:, 1].sum())} for kind, each in base.items()}
    before: Values = {f"{kind}_loss": loss_of([each]) for kind, each in base.items()}
    before |= {f"{kind}_perplexity": _perplexity(before[f"{kind}_loss"]) for kind in base}
    asked_for = {**ENOUGH, "of": list(ASKED), "reached": reached}
    return {"rows": rows, "base": before, "methods": methods, "asked": asked_for, "reached": reached}


def _perplexity(losses: Sequence[float]) -> list[float]:
    return [round(float(np.exp(each)), 3) for each in losses]


def _method(
    name: str,
    base: dict[str, np.ndarray],
    plain: list[dict[str, np.ndarray]],
    runs: list[dict[str, np.ndarray]],
) -> dict[str, Any]:
    """Figures of one regularizer, against plain tuning with the same seeds."""
    of = {kind: ([each[kind] for each in plain[: len(runs)]], [each[kind] for each in runs]) for kind in base}
    losses = {f"{kind}_loss": loss_of(own) for kind, (_, own) in of.items()}
    return {
        "values": CHOSEN[name],
        "seeds": len(runs),
        **losses,
        **{f"{kind}_perplexity": _perplexity(losses[f"{kind}_loss"]) for kind in base},
        **{f"kept_{kind}": kept(base[kind], *of[kind]) for kind in ("stories", "real")},
        **{f"kept_{kind}_perplexity": kept(base[kind], *of[kind], np.exp) for kind in ("stories", "real")},
        "worse": worse(*of["new"]),
        "by_seed": [_line(name, seed, tables) for seed, tables in enumerate(runs)],
    }


if __name__ == "__main__":
    raise SystemExit(main())
