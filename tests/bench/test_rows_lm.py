"""Rows C1 and C4: the same tokens for every arm, useful FLOPs as counted, a judge that computes what peft computes."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bench.row import ARMS, JUDGES, Options
from bench.rows import _llama135 as llama
from bench.rows import _lora as lora
from bench.rows import _numbers, c1, c4

import bench_jobs

TEXTS = [
    "where is my order\n",
    "It is on its way, and comes on Monday.",
    "cancel it\n",
    "Done: it is cancelled.",
] * 4
SMALL = llama.CONFIG | {
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 8,
    "vocab_size": 1000,
}


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """A miniature of the base."""
    return llama.base(tmp_path / "base", TEXTS, SMALL)


def test_a_row_is_bos_prompt_answer_eos(base: Path) -> None:
    ids, start = llama.encoder(base)("cancel it\n", "Done.")
    other, place = llama.encoder(base)("cancel it\n", "It is.")
    assert ids[0] == SMALL["bos_token_id"] and ids[-1] == SMALL["eos_token_id"]
    assert start == place and ids[:start] == other[:start]


def test_tokens_are_read_as_they_were_written(tmp_path: Path) -> None:
    rows = [([0, 5, 6, 1], 2), ([0, 9, 1], 1)]
    llama.write_tokens(tmp_path / "tokens.npz", rows)
    assert lora.read(tmp_path / "tokens.npz") == rows
    assert lora.learnt(rows) == 4


def test_the_base_is_the_same_wherever_it_is_made(base: Path, tmp_path: Path) -> None:
    again = llama.base(tmp_path / "again", TEXTS, SMALL)
    names = sorted(path.name for path in base.iterdir())
    assert names == sorted(path.name for path in again.iterdir())
    assert all((base / name).read_bytes() == (again / name).read_bytes() for name in names)


def test_a_smaller_draw_begins_a_larger_one() -> None:
    assert llama.sample(range(50), 40)[:7] == llama.sample(range(50), 7)


def test_lengths_tell_a_lognormal_law() -> None:
    drawn = np.exp(np.random.default_rng(0).normal(5, 0.4, 4000)).astype(int)
    found = llama.lengths([([0] * size, 1) for size in drawn])
    assert abs(found["log_skewness"]) < 0.15 and abs(found["log_spread"] - 0.4) < 0.02


def test_pairs_count_their_prompt_once() -> None:
    shared = c4.useful([([0] * 10, 6), ([0] * 12, 6)], 1.0)
    apart = c1.useful([([0] * 10, 6), ([0] * 12, 6)], 1.0)
    assert apart - shared > llama.flops(6, 0, 0) * 0.99


@pytest.mark.neural
def test_flops_are_those_that_torch_counts(base: Path) -> None:
    from torch.utils.flop_counter import FlopCounterMode

    torch, transformers = pytest.importorskip("torch"), pytest.importorskip("transformers")
    net = transformers.AutoModelForCausalLM.from_pretrained(str(base), attn_implementation="eager")
    net.requires_grad_(False)
    given = net.get_input_embeddings()(torch.zeros(1, 16, dtype=torch.long)).requires_grad_(True)
    with FlopCounterMode(display=False) as counter:
        net(inputs_embeds=given, use_cache=False).logits.sum().backward()
    seen = 16 * 16  # the eager kernel computes what the mask hides too
    rotary = 2 * 2 * 2 * 16 * 8  # the angles: a product of its own
    assert counter.get_total_flops() == pytest.approx(llama.flops(16, seen, 16, SMALL), abs=rotary)


@pytest.mark.neural
def test_the_judge_computes_what_peft_computes(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch, peft = pytest.importorskip("torch"), pytest.importorskip("peft")
    monkeypatch.syspath_prepend(str(ARMS))
    monkeypatch.syspath_prepend(str(JUDGES))
    import _lm
    import likelihood

    torch.manual_seed(0)
    net = peft.get_peft_model(_lm.model({"weights": str(base)}, "float32"), _lm.lora())
    for name, tensor in net.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(tensor, std=0.1)
    _lm.save_adapter(net, str(tmp_path))
    encode = llama.encoder(base)
    llama.write_tokens(tmp_path / "rows.npz", [encode(*TEXTS[:2]), encode(*TEXTS[2:4])])
    looked = [(np.array(ids), start) for ids, start in lora.read(tmp_path / "rows.npz")]
    import contextlib

    found, sizes = likelihood.sums(
        likelihood.network(str(base), str(tmp_path / "adapter.safetensors")), str(tmp_path / "rows.npz")
    )
    before, _ = likelihood.sums(likelihood.network(str(base), ""), str(tmp_path / "rows.npz"))
    assert -sum(found) / sum(sizes) == pytest.approx(
        _lm.first_loss(net, looked, contextlib.nullcontext()), rel=1e-5
    )
    assert abs(sum(found) - sum(before)) > 1e-3


def test_trl_cuts_the_same_tokens(shared: Path, tmp_path: Path) -> None:
    """TRL cuts prompt and answer together, we apart: where a prompt ends with its line both agree."""
    from tokenizers import Tokenizer

    known = c1.pairs(shared)[:300] + [(ask, answer) for ask, answer, _ in c4.triples(shared)[:300]]
    folder = llama.base(tmp_path / "base", (text for pair in known for text in pair), SMALL)
    encode, whole = llama.encoder(folder), Tokenizer.from_file(str(folder / "tokenizer.json"))
    for ask, answer in known:
        assert encode(ask, answer)[0] == whole.encode(ask + answer + llama.EOS).ids


def test_both_rows_are_complete(shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small = lambda folder, texts: _as_small(folder, texts)  # noqa: E731
    monkeypatch.setattr(llama, "base", small)
    monkeypatch.setattr(_numbers, "dtypes", lambda options, shapes: ["float32", "bfloat16"])
    for row, peers in ((c1, 7), (c4, 2)):
        options = Options(False, shared, tmp_path, sys.executable, sys.executable, 1, {"litgpt": "python"})
        (part,) = row.prepare(options)
        assert len(part.peers["best"]) == peers and not any(arm.cannot for arm in part.peers["best"])
        assert all((ARMS / arm.script).is_file() for arm in (part.ours, *part.peers["best"]))
        ids = {arm.task["tokens"] for arm in (part.ours, *part.peers["default"], *part.peers["best"])}
        assert len(ids) == 1
        assert {goal.column for goal in part.goals} == {"default", "best", "leanest"}
        quick = row.prepare(Options(True, shared, tmp_path, sys.executable, sys.executable, 1))[0]
        assert quick.facts["lengths"]["rows"] < part.facts["lengths"]["rows"]
        assert not quick.ours.rates and len(part.ours.rates) == 3


def _as_small(folder: Path, texts: Any) -> Path:
    return _BASE(folder, list(texts)[:200], SMALL)


_BASE = llama.base


ROWS = [(f"order {n}\n", f"It comes in {n} days.", f"No, not {n}.") for n in range(6)]
WORK = {"rate": 1e-3, "epochs": 2.0, "batch": 3, "beta": 0.1, "seed": 0, "threads": 1, "dtype": "float32"}
OURS = {"ours_sft.py": "likelihood.py", "ours_dpo.py": "preference.py"}  # and what judges it


@pytest.fixture(scope="module")
def learnt(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Any, Any, Any]]:
    """Script → (the ids it was given, what it said, what its judge said); each ran once."""
    folder = tmp_path_factory.mktemp("learnt")
    weights = llama.base(folder / "base", TEXTS, SMALL)
    given, arms, judges = {}, [], []
    for script, judge in OURS.items():
        place = folder / Path(script).stem
        given[script], files = _rows_of(script, place, weights)
        task = {**WORK, **files, "weights": str(weights), "options": {}}
        arms.append(bench_jobs.job(ARMS / script, place, **task))
        adapter = str(place / "out" / "adapter.safetensors")
        judges.append(bench_jobs.job(JUDGES / judge, place, **task, adapter=adapter))
    told = bench_jobs.said([*arms, *judges])
    return {name: (given[name], told[at], told[at + len(OURS)]) for at, name in enumerate(OURS)}


def _rows_of(script: str, place: Path, weights: Path) -> tuple[list[lora.Row], dict[str, str]]:
    """The ids of the rows, and the files that hold them."""
    encode, pairs = llama.encoder(weights), script == "ours_dpo.py"
    names = ("prompt", "chosen", "rejected") if pairs else ("prompt", "completion")
    sides = [encode(ask, said) for ask, *both in ROWS for said in (both if pairs else both[:1])]
    place.mkdir()
    llama.write_tokens(place / "tokens.npz", sides)
    llama.write_lines(place / "rows.jsonl", (dict(zip(names, row, strict=False)) for row in ROWS))
    return sides, {"tokens": str(place / "tokens.npz"), "text": str(place / "rows.jsonl")}


@pytest.mark.neural
@pytest.mark.slow
@pytest.mark.parametrize("script", OURS)
def test_our_arm_learns_the_very_tokens(learnt: dict[str, tuple[Any, Any, Any]], script: str) -> None:
    sides, said, judged = learnt[script]
    wanted = np.concatenate([np.array(ids, "<i8") for ids, _ in sides]).tobytes()
    assert said["tokens_sha256"] == hashlib.sha256(wanted).hexdigest()
    assert said["updates"] == 4 and said["moved"] > 0 and said["rows"] == 6
    assert set(said["seconds"]) == {"import", "load", "prepare", "train"} and said["seconds"]["train"] > 0
    start = float(np.log(2)) if script == "ours_dpo.py" else said["first_loss"]
    assert judged["loss"] < start and len(judged["rows"]) == 6
