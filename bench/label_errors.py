"""Find planted wrong labels beside cleanlab's usual recipe, on the same vectors, in one run.

    python bench/label_errors.py --data ../shared/data --peer PYTHON [--seeds 3] [--out bench/results/….json]

PYTHON: an interpreter with cleanlab>=2.9 and scikit-learn.  5 % of the labels are replaced, uniformly or by the class
that a model takes theirs for most often.  Each arm gets the same file of vectors and labels in a process of its own,
one thread, and tells its seconds without imports.  Ours: `inputs.folds.out_of_fold` and `inputs.doubts.suspicion`.
cleanlab's: `cross_val_predict(LogisticRegression(max_iter=400), vectors, labels)`, `find_label_issues`,
`get_label_quality_scores` (its default score, self-confidence; its normalized margin is noted too).
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

SETS = {
    "banking77": ("train.jsonl.gz", "text", "label"),
    "bitext-support": ("all.jsonl.gz", "instruction", "intent"),
    "sms-spam": ("all.jsonl.gz", "text", "label"),
}
NOISE = 0.05
# threads that wait for each other count as CPU time: one tells what the work itself takes
ONE_THREAD = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


def main() -> int:
    """Run every arm on every set, noise and seed; write the medians."""
    options = _options()
    if options.arm:
        print(json.dumps(ARMS[options.arm](np.load(options.file))))
        return 0
    rows = []
    for name in SETS:
        vectors, truth = embedded(Path(options.data) / name, name)
        for kind in ("uniform", "confusing"):
            for seed in range(options.seeds):
                labels, wrong = planted(vectors, truth, kind, seed)
                for arm, found in both(options.peer, vectors, labels).items():
                    for score, values in found.pop("scores").items():
                        quality = _quality(np.array(values), wrong)
                        about = {"set": name, "noise": kind, "seed": seed, "arm": arm, "score": score}
                        rows.append({**about, **found, **quality})
                        print(json.dumps(rows[-1]), flush=True)
    result = {"command": " ".join(sys.argv), "machine": _machine(), "medians": medians(rows), "rows": rows}
    if options.out:
        Path(options.out).write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    for line in result["medians"]:
        print(json.dumps(line))
    return 0


def embedded(folder: Path, name: str) -> tuple[np.ndarray, np.ndarray]:
    """(vectors by the frozen minilm, class indices) of a set, rows shuffled."""
    from tunesmith.data.contents.labelled import Labelled
    from tunesmith.fields import Record, row_key
    from tunesmith.findings import Place
    from tunesmith.lifecycle.doubting import embeddings
    from tunesmith.lifecycle.known import Known, Wanted

    file, text, label = SETS[name]
    lines = gzip.decompress((folder / file).read_bytes()).decode("utf-8").splitlines()
    values = [json.loads(line) for line in lines]
    fields = [{"text": value[text], "label": value[label]} for value in values]
    records = [Record(each, Place(file, number), row_key(each)) for number, each in enumerate(fields, 1)]
    classes = sorted({each["label"] for each in fields})
    truth = np.array([classes.index(each["label"]) for each in fields])
    known = Known(records, Labelled(), Wanted(deep=True, offline=True))
    events = embeddings(known)
    while True:
        try:
            next(events)
        except StopIteration as ended:
            # files are sorted by class: folds cut without shuffling then hold all swapped labels of a class at once,
            # which no file with unknown errors would do for anybody
            order = np.random.default_rng(9).permutation(len(truth))
            return ended.value[order], truth[order]


def planted(vectors: np.ndarray, truth: np.ndarray, kind: str, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """(labels, which are wrong): 5 % replaced, by any other class or by the one that theirs is taken for most."""
    draw = np.random.default_rng(seed)
    wrong = np.zeros(len(truth), bool)
    wrong[draw.choice(len(truth), round(NOISE * len(truth)), replace=False)] = True
    num_classes = int(truth.max()) + 1
    labels = truth.copy()
    if kind == "uniform":
        labels[wrong] = (truth[wrong] + draw.integers(1, num_classes, wrong.sum())) % num_classes
    else:
        labels[wrong] = _most_confused(vectors, truth, num_classes)[truth[wrong]]
    return labels, wrong


def _most_confused(vectors: np.ndarray, truth: np.ndarray, num_classes: int) -> np.ndarray:
    """For each class the other one that least squares, fitted on half of the rows, gives it most on the other half."""
    half = np.arange(len(truth)) % 2 == 0
    inputs = np.column_stack([vectors, np.ones(len(truth))])
    gram = inputs[half].T @ inputs[half] + 0.1 * np.eye(inputs.shape[1])
    logits = inputs[~half] @ np.linalg.solve(gram, inputs[half].T @ np.eye(num_classes)[truth[half]])
    own = truth[~half]
    logits[np.arange(len(own)), own] = -np.inf
    counts = np.zeros((num_classes, num_classes))
    np.add.at(counts, (own, logits.argmax(axis=1)), 1)
    return counts.argmax(axis=1)


def both(peer: str, vectors: np.ndarray, labels: np.ndarray) -> dict[str, dict[str, Any]]:
    """What each arm, in a process of its own, says of one file of vectors and labels."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "rows.npz"
        np.savez(file, vectors=vectors, labels=labels)
        found = {}
        for arm, python in (("ours", sys.executable), ("cleanlab", peer)):
            command = [python, __file__, "--arm", arm, "--file", str(file)]
            done = subprocess.run(command, capture_output=True, text=True, check=True, env=ONE_THREAD)
            found[arm] = json.loads(done.stdout.splitlines()[-1])
        return found


def ours(file: Any) -> dict[str, Any]:
    """Ten folds of a logistic layer, fitted together; the log ratio of two calibrated probabilities."""
    import scipy.linalg  # noqa: F401 - imports are not timed

    from tunesmith.inputs import doubts, folds

    vectors, labels = file["vectors"], file["labels"]
    clock = _clock()
    probs = folds.out_of_fold(vectors, labels, int(labels.max()) + 1)
    score = doubts.suspicion(probs, labels)
    issues = len(doubts.doubtful(probs, labels))
    return {**clock(), "issues": issues, "scores": {"suspicion": score.tolist()}}


def cleanlab(file: Any) -> dict[str, Any]:
    """The recipe of cleanlab's own tutorial on text."""
    from cleanlab.filter import find_label_issues
    from cleanlab.rank import get_label_quality_scores
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import cross_val_predict

    vectors, labels = file["vectors"], file["labels"]
    clock = _clock()
    probs = cross_val_predict(LogisticRegression(max_iter=400), vectors, labels, method="predict_proba")
    predicted = _clock()
    issues = find_label_issues(labels, probs, return_indices_ranked_by="self_confidence")
    quality = get_label_quality_scores(labels, probs)
    seconds = clock()
    margin = get_label_quality_scores(labels, probs, method="normalized_margin")
    scores = {"self_confidence": (-quality).tolist(), "normalized_margin": (-margin).tolist()}
    rest = {f"issues_{key}": value for key, value in predicted().items()}
    return {**seconds, **rest, "issues": len(issues), "scores": scores}


ARMS = {"ours": ours, "cleanlab": cleanlab}


def _clock() -> Any:
    """A function that gives wall and CPU seconds (with children) since now."""

    def used() -> float:
        return time.process_time() + sum(resource.getrusage(resource.RUSAGE_CHILDREN)[:2])

    wall, cpu = time.perf_counter(), used()
    return lambda: {"wall_s": time.perf_counter() - wall, "cpu_s": used() - cpu}


def _quality(score: np.ndarray, wrong: np.ndarray) -> dict[str, float]:
    """Average precision of the ranking, and the share of the wrong labels among its first 10 %."""
    hits = wrong[np.argsort(-score, kind="stable")]
    precision = np.cumsum(hits) / np.arange(1, len(hits) + 1)
    first = hits[: round(0.1 * len(hits))].sum()
    return {"average_precision": float(precision[hits].mean()), "recall_at_10": float(first / wrong.sum())}


def medians(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The medians over seeds."""
    keys = sorted({(row["set"], row["noise"], row["arm"], row["score"]) for row in rows})
    figures = ("average_precision", "recall_at_10", "wall_s", "cpu_s")
    found = []
    for key in keys:
        same = [row for row in rows if (row["set"], row["noise"], row["arm"], row["score"]) == key]
        about = dict(zip(("set", "noise", "arm", "score"), key, strict=True))
        found.append(
            {**about, **{name: round(statistics.median(row[name] for row in same), 4) for name in figures}}
        )
    return found


def _machine() -> dict[str, Any]:
    threads = os.environ.get("OMP_NUM_THREADS", "")
    return {"cores": os.cpu_count(), "processor": platform.machine(), "OMP_NUM_THREADS": threads}


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", default="../shared/data")
    parser.add_argument("--peer", default=sys.executable)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--out", default="")
    parser.add_argument("--arm", choices=tuple(ARMS), default="")
    parser.add_argument("--file", default="")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
