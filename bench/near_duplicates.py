"""Near-duplicates among generated documents: tunesmith beside rensa's own loop and datasketch's, each verified exactly.

    python bench/near_duplicates.py [--documents 1000000] [--twins 20000] [--arms tunesmith,rensa,datasketch]
                                    [--small 100000] [--out bench/results/DATE-near-duplicates.json]

Each arm is a child process that reads the documents, finds clusters (Jaccard of character 5-grams >= 0.7, 42 bands of
6) and writes them; seconds are those between the documents in memory and the clusters.  datasketch runs on the first
`--small` documents, since its loop takes about a millisecond for each.  Needs: rensa, datasketch (bench only).
"""

from __future__ import annotations

import argparse
import json
import platform
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from itertools import accumulate
from pathlib import Path

THRESHOLD, PERMUTATIONS, BANDS = 0.7, 252, 42
WORTH = 0.45  # similarity by sketch from which a candidate is verified
PAIRS = "babebibodadedidofafegagokakikolalelilomamemimonanenopaperarirosasesotateti"
SYLLABLES = [PAIRS[at : at + 2] for at in range(0, len(PAIRS), 2)]


def documents(count: int, twins: int, seed: int) -> tuple[list[str], list[tuple[int, int]]]:
    """Texts of 40 to 120 words (Zipf's law) in random order, and the pairs of each planted twin and its original.

    A twin has 1 to 10 % of its words replaced, left out, doubled or swapped.
    """
    rng = random.Random(seed)
    words = sorted({"".join(rng.choices(SYLLABLES, k=rng.randint(1, 4))) for _ in range(60_000)})
    rng.shuffle(words)
    weights = list(accumulate(1 / rank for rank in range(1, len(words) + 1)))
    texts = [
        " ".join(rng.choices(words, cum_weights=weights, k=rng.randint(40, 120)))
        for _ in range(count - twins)
    ]
    pairs = [
        (original, count - twins + i) for i, original in enumerate(rng.sample(range(count - twins), twins))
    ]
    texts += [_edited(texts[original], words, rng) for original, _ in pairs]
    order = list(range(count))
    rng.shuffle(order)
    place = {old: new for new, old in enumerate(order)}
    return [texts[old] for old in order], [(place[a], place[b]) for a, b in pairs]


def _edited(text: str, words: list[str], rng: random.Random) -> str:
    parts = text.split()
    for _ in range(rng.randint(1, max(1, len(parts) // 10))):
        at, kind = rng.randrange(len(parts) - 1), rng.randrange(4)
        if kind == 0:
            parts[at] = rng.choice(words)
        elif kind == 1:
            del parts[at]
        elif kind == 2:
            parts.insert(at, parts[at])
        else:
            parts[at], parts[at + 1] = parts[at + 1], parts[at]
    return " ".join(parts)


def _tunesmith(texts: list[str]) -> list[int]:
    from tunesmith.data.twins import twins

    return twins(texts, THRESHOLD).tolist()


def _rensa(texts: list[str]) -> list[int]:
    """rensa's bulk calls, its index and its queries; then the exact similarity, as its documentation advises."""
    from rensa import RMinHash, RMinHashLSH  # pyright: ignore[reportAttributeAccessIssue]

    index = RMinHashLSH(threshold=THRESHOLD, num_perm=PERMUTATIONS, num_bands=BANDS)
    sketches = []
    for start in range(0, len(texts), 10_000):
        sets = [_grams(text) for text in texts[start : start + 10_000]]
        sketches += RMinHash.from_token_sets(sets, PERMUTATIONS, 42)
    index.insert_many(sketches)
    found = Clusters(texts)
    for start in range(0, len(texts), 10_000):
        for at, near in enumerate(index.query_all(sketches[start : start + 10_000]), start):
            found.compare(at, [i for i in near if i < at and sketches[at].jaccard(sketches[i]) >= WORTH])
    return found.names()


def _datasketch(texts: list[str]) -> list[int]:
    """datasketch's usual loop: a sketch for each document, query, insert."""
    from datasketch import MinHash, MinHashLSH  # pyright: ignore[reportMissingImports]

    index = MinHashLSH(num_perm=PERMUTATIONS, params=(BANDS, PERMUTATIONS // BANDS))
    found, sketches = Clusters(texts), []
    for at, text in enumerate(texts):
        sketch = MinHash(num_perm=PERMUTATIONS, seed=42)
        sketch.update_batch([gram.encode() for gram in _grams(text)])
        found.compare(at, [i for i in index.query(sketch) if sketch.jaccard(sketches[i]) >= WORTH])
        index.insert(at, sketch, check_duplication=False)
        sketches.append(sketch)
    return found.names()


ARMS = {"tunesmith": _tunesmith, "rensa": _rensa, "datasketch": _datasketch}


class Clusters:
    """Clusters of the peers' candidates after exact verification."""

    def __init__(self, texts: list[str]) -> None:
        self.texts, self.parent = texts, list(range(len(texts)))

    def root(self, member: int) -> int:
        while self.parent[member] != member:
            self.parent[member] = member = self.parent[self.parent[member]]
        return member

    def compare(self, at: int, near: list[int]) -> None:
        """Join a document with those of its candidates that came before it and are alike."""
        mine = None
        for other in near:
            if other >= at or self.root(at) == self.root(other):
                continue
            mine = mine or _grams(self.texts[at])
            theirs = _grams(self.texts[other])
            if len(mine & theirs) >= THRESHOLD * len(mine | theirs):
                first, second = sorted((self.root(at), self.root(other)))
                self.parent[second] = first

    def names(self) -> list[int]:
        return [self.root(member) for member in range(len(self.texts))]


def _grams(text: str) -> set[str]:
    return {text[i : i + 5] for i in range(max(1, len(text) - 4))}


def _child(arm: str, source: str, count: int, out: str) -> None:
    texts = Path(source).read_text("utf-8").split("\n")[:count]
    wall, cpu = time.perf_counter(), time.process_time()
    clusters = ARMS[arm](texts)
    seconds, busy = time.perf_counter() - wall, time.process_time() - cpu
    status = Path("/proc/self/status").read_text().splitlines()
    peak = next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 1024**2
    Path(out).write_text(
        json.dumps({"seconds": seconds, "cpu_seconds": busy, "peak_gb": peak, "clusters": clusters})
    )


def score(clusters: list[int], pairs: list[tuple[int, int]]) -> dict[str, float]:
    """recall: planted twins found.  precision: of all pairs that stand in one cluster, those that were planted."""
    inside = [(a, b) for a, b in pairs if max(a, b) < len(clusters)]
    found = sum(clusters[a] == clusters[b] for a, b in inside)
    reported = sum(size * (size - 1) // 2 for size in Counter(clusters).values())
    return {
        "twins": len(inside),
        "recall": found / max(1, len(inside)),
        "precision": found / max(1, reported),
    }


def main() -> int:
    """Make the documents, run the arms one after the other, print and keep the figures."""
    options = _options()
    if options.child:
        _child(options.child, options.source, options.documents, options.out)
        return 0
    texts, pairs = documents(options.documents, options.twins, options.seed)
    result = {
        "documents": len(texts),
        "twins": options.twins,
        "seed": options.seed,
        "characters": sum(map(len, texts)) / len(texts),
        "machine": f"{platform.machine()}, {platform.python_version()}",
        "arms": [],
    }
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "documents.txt"
        source.write_text("\n".join(texts), encoding="utf-8")
        del texts
        for arm in options.arms.split(","):
            count = min(options.documents, options.small) if arm == "datasketch" else options.documents
            result["arms"].append(_run(arm, source, count, pairs))
            print(json.dumps(result["arms"][-1]), flush=True)
    if options.out:
        Path(options.out).write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    return 0


def _run(arm: str, source: Path, count: int, pairs: list[tuple[int, int]]) -> dict[str, object]:
    out = source.with_name(f"{arm}.json")
    command = [sys.executable, __file__, "--child", arm, "--source", str(source)]
    subprocess.run([*command, "--documents", str(count), "--out", str(out)], check=True)
    found = json.loads(out.read_text())
    scores = score(found.pop("clusters"), pairs)
    return {
        "arm": arm,
        "documents": count,
        **found,
        "documents_per_second": count / found["seconds"],
        "documents_per_cpu_second": count / found["cpu_seconds"],
        **scores,
    }


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--documents", type=int, default=1_000_000)
    parser.add_argument("--twins", type=int, default=20_000)
    parser.add_argument("--small", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--arms", default="tunesmith,rensa,datasketch")
    parser.add_argument("--out", default="")
    parser.add_argument("--child", choices=ARMS, help=argparse.SUPPRESS)
    parser.add_argument("--source", help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
