"""C9: from a raw file to the first optimizer step, cold and warm, and `--help`; beside a Trainer script and TRL's CLI.

Classifier: `tunesmith train` with recipes/banking77-full.toml on banking77's files, beside the usual Trainer script on
the same files and model; until the first update is done.  What tunesmith does before it (checks of the data, leaks,
near-duplicates, a head fitted on the frozen network) is in its seconds; "plain" leaves out the fitted head only.
Language model: `tunesmith train` with the task `completion`, beside `trl sft --config`, on bitext-support's requests
and responses and a Llama of 260,000 parameters.  Cold: caches of both are empty, and the system's page cache is dropped
where that is allowed (the run says).  Warm: the same command once more, in the folder that a first one has left.
"""

from __future__ import annotations

import gzip
import json
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench import processes
from bench.row import ARMS, Arm, Bench, Goal, Options

LAUNCH = "c9_launch.py"
STEP, UPDATE, LOGGED = '"event": "step"', "first update", "'loss'"  # the signs of the first step
ROOT = ARMS.parent.parent
WORK = {
    "classifier": "banking77's two JSONL files, minilm, every weight: seconds to the end of the first update",
    "plain classifier": "as the classifier, but tunesmith's head begins random instead of fitted on the frozen network",
    "language model": "4,514 prompts and completions of bitext-support, a Llama of 260,000 parameters, every weight: "
    "seconds to the end of the first update",
}

LANGUAGE = """task = "completion"
[data]
split = { validation = 0.0, test = 0.1 }
[approach]
name = "tune"
[tuning]
name = "full"
[train]
epochs = 1
"""
TRL = """model_name_or_path: {model}
datasets:
  - path: json
    data_files: {data}
num_train_epochs: 1
use_cpu: true
logging_steps: 1
logging_first_step: true
report_to: none
"""


def prepare(options: Options) -> Sequence[Bench]:
    """Cold and warm of each work, and the help; quick: cold once, warm once, the help."""
    _data(options)
    parts = [_bench(options, work, state) for work in WORK for state in ("cold", "warm")]
    whole = _help(options, "help", ["--help"], ["--help"])
    verb = _help(options, "help of training", ["train", "--help"], ["sft", "--help"])
    return [*([parts[2], parts[5]] if options.quick else parts), whole, verb]


def _data(options: Options) -> None:
    """The raw files as a user has them: JSON lines, nothing packed."""
    for side in ("train", "test"):
        packed = options.shared / "data" / "banking77" / f"{side}.jsonl.gz"
        (options.work / f"{side}.jsonl").write_bytes(gzip.decompress(packed.read_bytes()))
    packed = options.shared / "data" / "bitext-support" / "all.jsonl.gz"
    rows = [json.loads(line) for line in gzip.decompress(packed.read_bytes()).decode("utf-8").splitlines()]
    pairs = [{"prompt": row["instruction"], "completion": row["response"]} for row in rows]
    text = "".join(json.dumps(pair) + "\n" for pair in pairs)
    (options.work / "support.jsonl").write_text(text, encoding="utf-8")


def _bench(options: Options, work: str, state: str) -> Bench:
    language = work == "language model"
    ours, theirs = _ours(options, work, state), (_trl if language else _hf)(options, state)
    goal = Goal("best", 4.0, 8.0) if language else Goal("best", 1.5, 3.0)
    drop = options.more.get("drop", "yes") != "no" and state == "cold"
    arms = [
        replace(arm, task={**arm.task, "drop": drop, "threads": options.threads}) for arm in (ours, theirs)
    ]

    def fill() -> None:
        for arm in arms:
            with tempfile.TemporaryDirectory() as folder:
                processes.run(arm, Path(folder))

    return Bench(
        "C9",
        f"{work}, {state}",
        f"{WORK[work]}; {state}.",
        arms[0],
        {"best": [arms[1]]},
        [goal],
        trains=False,
        pairs={"best": 2},
        before=fill if state == "warm" else None,
        control=(work, state) == ("plain classifier", "warm"),
    )


def _ours(options: Options, work: str, state: str) -> Arm:
    home = "{out}/home" if state == "cold" else str(options.work / f"home-{work.replace(' ', '-')}")
    values = {"train.threads": options.threads}
    if work == "language model":
        recipe = options.work / "language.toml"
        recipe.write_text(LANGUAGE, encoding="utf-8")
        values |= {"base": _llama(options), "data.source": options.work / "support.jsonl"}
    else:
        recipe = ROOT / "recipes" / "banking77-full.toml"
        values |= {"data.source": options.work / "train.jsonl", "data.test": options.work / "test.jsonl"}
        values |= {"approach.head": "random"} if work.startswith("plain") else {}
    sets = [word for key, value in values.items() for word in ("--set", f"{key}={value}")]
    command = [options.ours, "-m", "tunesmith", "train", str(recipe), "--offline", "--home", home, *sets]
    return _arm("tunesmith train", options, command, STEP, file=[f"{home}/runs", "*/events.jsonl"])


def _hf(options: Options, state: str) -> Arm:
    cache = "{out}/cache" if state == "cold" else str(options.work / "cache-hf")
    files = [str(options.work / name) for name in ("train.jsonl", "test.jsonl")]
    command = [
        options.peers,
        str(ARMS / "c9_hf.py"),
        *files,
        _minilm(options),
        "{out}/run",
        str(options.threads),
    ]
    return _arm("HF Trainer script", options, command, UPDATE, environment={"HF_HOME": cache})


def _trl(options: Options, state: str) -> Arm:
    cache = "{out}/cache" if state == "cold" else str(options.work / "cache-trl")
    config = options.work / "trl.yaml"
    config.write_text(
        TRL.format(data=options.work / "support.jsonl", model=_llama(options)), encoding="utf-8"
    )
    command = [*_cli(options.peers), "sft", "--config", str(config), "--output_dir", "{out}/run"]
    return _arm("trl sft", options, command, LOGGED, environment={"HF_HOME": cache})


def _help(options: Options, name: str, ours: Sequence[str], theirs: Sequence[str]) -> Bench:
    mine = _arm(" ".join(["tunesmith", *ours]), options, [options.ours, "-m", "tunesmith", *ours], "")
    other = _arm(" ".join(["trl", *theirs]), options, [*_cli(options.peers), *theirs], "")
    work = f"`{mine.name}` beside `{other.name}`, until the command ends"
    return Bench(
        "C9", name, work, mine, {"best": [other]}, [Goal("best", 4.0, 8.0)], trains=False, control=False
    )


def _arm(name: str, options: Options, command: Sequence[str], sign: str, **more: Any) -> Arm:
    task = {"command": [*command], "sign": sign, "threads": options.threads, **more}
    return Arm(name, options.ours, LAUNCH, task)


def _cli(python: str) -> list[str]:
    """The `trl` command that is installed beside a python."""
    return [str(Path(shutil.which(python) or python).with_name("trl"))]


def _llama(options: Options) -> str:
    return str(options.shared / "models" / "stories260k-llama")


def _minilm(options: Options) -> str:
    ask = "import json; from tunesmith import bases; print(json.dumps({'folder': str(bases.resolve('minilm').folder)}))"
    return processes.asked("minilm", [options.ours, "-c", ask], options.work)["folder"]
