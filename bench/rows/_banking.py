"""What C2, C3 and C6 share: rows of banking77 as tokens and text, the base, the judge's answer, useful FLOPs."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bench import processes
from bench.row import JUDGES, Arm, Options, Run, spent
from bench.rows import _numbers

SEED = 20261121
LONGEST = 128  # tokens of a row that are read, by every arm
Row = dict[str, str]


def base() -> Path:
    """The folder of minilm as its package gives it."""
    from tunesmith.bases import resolve

    return resolve("minilm", offline=True).folder


def side(options: Options, name: str) -> list[Row]:
    """All rows of 'train' or 'test', in file order."""
    path = options.shared / "data" / "banking77" / f"{name}.jsonl.gz"
    return [json.loads(line) for line in gzip.decompress(path.read_bytes()).decode("utf-8").splitlines()]


def drawn(rows: Sequence[Row], count: int) -> list[Row]:
    """So many rows (0: all) in a seeded order, every label in its share: one is missing only of a tiny count."""
    rng = np.random.default_rng(SEED)
    order = rng.permutation(len(rows))
    if not count or count >= len(rows):
        return [rows[at] for at in order]
    labels = np.array([row["label"] for row in rows])
    place = np.empty(len(rows))
    for label in np.unique(labels):
        mine = order[labels[order] == label]
        place[mine] = (np.arange(len(mine)) + 0.5) / len(mine)
    taken = np.argsort(place, kind="stable")[:count]
    return [rows[at] for at in rng.permutation(taken)]


def written(folder: Path, name: str, rows: Sequence[Row], labels: Sequence[str]) -> dict[str, Path]:
    """{text, tokens}: the rows as JSON lines and as ids with labels."""
    from tokenizers import Tokenizer

    folder.mkdir(parents=True, exist_ok=True)
    known = Tokenizer.from_file(str(base() / "tokenizer.json"))
    known.enable_truncation(LONGEST)
    known.no_padding()
    index = {label: number for number, label in enumerate(labels)}
    ids = [known.encode(row["text"]).ids for row in rows]
    text, tokens = folder / f"{name}.jsonl", folder / f"{name}.npz"
    text.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    np.savez(
        tokens,
        ids=np.array([each for row in ids for each in row], np.int64),
        offsets=np.cumsum([0, *map(len, ids)]).astype(np.int64),
        labels=np.array([index[row["label"]] for row in rows], np.int64),
    )
    return {"text": text, "tokens": tokens}


def task(files: dict[str, Path], asked: Options, **more: Any) -> dict[str, Any]:
    """What TASK.json says of the rows, the base and the machine."""
    return {
        "weights": str(base()),
        "tokens": str(files["tokens"]),
        "text": str(files["text"]),
        "seed": 0,
        "threads": asked.threads,
        "dtype": "float32",
        "batch": 32,
        "options": {},
        **more,
    }


class Judge:
    """Scores on held-out rows of what a run saved; the same weights are never scored twice.

    goal: macro-F1 that a run has to reach and keep, for `reached`.
    """

    def __init__(self, options: Options, tokens: Path, goal: float = 0.0) -> None:
        self.options, self.tokens, self.goal = options, tokens, goal
        self.known: dict[str, dict[str, Any]] = {}

    def __call__(self, run: Run) -> dict[str, Any]:
        """Of the weights that the run ended with: {macro_f1, low, high, n, accuracy, log_loss, rows, looks}."""
        (found,) = self.of(run, [run.folder / "out"])
        low, high = _interval(found["said"], self._labels())
        told = {key: value for key, value in found.items() if key != "said"}
        marks = run.said.get("marks", [])
        looks = [[*mark[:2], f1] for mark, f1 in zip(marks, self._looks(run), strict=True) if f1 is not None]
        return {**told, "low": low, "high": high, "n": len(found["said"]), "looks": looks}

    def reached(self, run: Run) -> float:
        """Seconds of import, load, prepare and training to the first look from which on the goal is kept; all that were
        spent where that is never so, or nothing was looked at."""
        first = self._first(run)
        if first is None:
            return spent(run)
        before = sum(each for phase, each in run.said["seconds"].items() if phase != "train")
        return before + run.said["marks"][first][0]

    def bound(self, run: Run) -> bool:
        """Whether the run ended before its goal was reached, so that `reached` is less than it needs."""
        if run.said.get("marks"):
            return self._first(run) is None
        (found,) = self.of(run, [run.folder / "out"])
        return found["macro_f1"] < self.goal

    def _first(self, run: Run) -> int | None:
        scores = self._looks(run)
        below = [at for at, score in enumerate(scores) if score is None or score < self.goal]
        first = below[-1] + 1 if below else 0
        return first if first < len(scores) else None

    def _looks(self, run: Run) -> list[float | None]:
        """Macro-F1 of each look; where the last one is below the goal the others are not asked for."""
        folders = [Path(folder) for _, _, folder in run.said.get("marks", [])]
        last = [each["macro_f1"] for each in self.of(run, folders[-1:])]
        if not last or last[0] < self.goal:
            return [*[None] * (len(folders) - 1), *last]
        return [*(each["macro_f1"] for each in self.of(run, folders[:-1])), *last]

    def of(self, run: Run, folders: Sequence[Path]) -> list[dict[str, Any]]:
        """What the judge says of classifiers in folders."""
        digests = [_digest(folder / "model.safetensors") for folder in folders]
        new = {key: str(where) for key, where in zip(digests, folders, strict=True) if key not in self.known}
        if new:
            asked = {"weights": str(base()), "models": list(new.values()), "tokens": str(self.tokens)}
            place = run.folder / "judge.json"
            place.write_text(json.dumps({**asked, "threads": self.options.threads}), encoding="utf-8")
            command = [self.options.ours, str(JUDGES / "classification.py"), str(place)]
            told = processes.asked("the judge", command, run.folder)["models"]
            self.known |= dict(zip(new, told, strict=True))
        return [self.known[key] for key in digests]

    def _labels(self) -> np.ndarray:
        with np.load(self.tokens) as file:
            return file["labels"]


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _interval(said: Sequence[int], labels: np.ndarray) -> tuple[float, float]:
    """95 % interval of macro-F1: rows drawn anew 1,000 times."""
    rng, told = np.random.default_rng(SEED), np.asarray(said)
    classes = int(max(told.max(), labels.max())) + 1
    found = []
    for _ in range(1000):
        pick = rng.integers(len(labels), size=len(labels))
        truth, answer = labels[pick], told[pick]
        both = np.bincount(truth, minlength=classes) + np.bincount(answer, minlength=classes)
        right = np.bincount(truth[truth == answer], minlength=classes)
        found.append(float((2 * right[both > 0] / both[both > 0]).mean()))
    low, high = np.percentile(found, [2.5, 97.5])
    return float(low), float(high)


# ---- work ---------------------------------------------------------------------------------------------------------


def lengths(tokens: Path) -> np.ndarray:
    """Tokens of each row."""
    with np.load(tokens) as file:
        return np.diff(file["offsets"])


def flops(sizes: np.ndarray, shape: dict[str, Any], classes: int) -> float:
    """Useful FLOPs of an epoch in which all moves: matrices 2N a real token, attention 4·d·T² a layer and row, the head
    2·2d·C a row; three times that for forward and backward.  Padding and embeddings count nothing."""
    width, layers = shape["hidden_size"], shape["num_hidden_layers"]
    matrices = 4 * width * width + 2 * width * shape["intermediate_size"]
    layer = 2.0 * matrices * sizes.sum() + 4.0 * width * float((sizes.astype(float) ** 2).sum())
    return 3.0 * (layers * layer + 4.0 * width * classes * len(sizes))


def config() -> dict[str, Any]:
    """The base's shape."""
    return json.loads((base() / "config.json").read_text("utf-8"))


def shapes(tokens: int = 512) -> list[tuple[int, int, int]]:
    """(m, k, n) of the products of a batch of 32 rows of about 16 tokens."""
    width, inner = config()["hidden_size"], config()["intermediate_size"]
    return [(tokens, width, width), (tokens, width, inner), (tokens, inner, width)]


def per_token(run: Run) -> float:
    """Seconds of training for a real token, by the last look where training was ended by the clock."""
    said = run.said
    updates, seconds = said["updates"], said["seconds"]["train"]
    if said.get("marks"):
        seconds, updates = said["marks"][-1][:2]
    return seconds / (updates * run.arm.task["batch"] * said["real_tokens"] / said["rows"])


def grid(rate: float) -> tuple[float, ...]:
    """{1, 3, 10} times a rate."""
    return (rate, 3 * rate, 10 * rate)


def fast_bfloat16(options: Options) -> bool:
    """Whether products in bfloat16 are about as fast here as in float32, so that peers are tried in it."""
    return "bfloat16" in _numbers.dtypes(options, shapes())


def arm(options: Options, name: str, script: str, work: dict[str, Any], **more: Any) -> Arm:
    """An arm in our python or the peers'; a quick run has no grid."""
    python = options.ours if script.startswith("ours") else options.peers
    rates: Sequence[float] = () if options.quick else more.pop("rates", ())
    more.pop("rates", None)
    return Arm(name, python, script, work, rates=rates, **more)
