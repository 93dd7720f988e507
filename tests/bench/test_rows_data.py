"""The rows C8 and C9: what their parts run, and one of them on few documents, whole."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from bench.row import Options
from bench.rows import c8, c9

from bench import course, running
from conftest import shared_folder


def _options(folder: Path, **more: str) -> Options:
    shared = shared_folder()
    return Options(False, Path(shared or folder), folder, sys.executable, sys.executable, 1, more)


def test_few_documents_go_through_the_whole_row(tmp_path: Path):
    first, second = c8.prepare(_options(tmp_path, documents="300", small="100"))
    assert (first.name, second.name) == ("C8 beside rensa", "C8 beside datasketch")
    assert "100 generated documents" in second.work
    pytest.importorskip("rensa")
    pace = course.Pace(idle=0.0, most=1, control=0)
    found = running.measured(first, _options(tmp_path), tmp_path / "runs", pace)
    column = found["columns"]["best"]
    assert column["quality"]["ours"]["recall"] == column["quality"]["theirs"]["recall"] == 1.0
    assert column["ratios"]["seconds"]["value"] > 0
    assert str(tmp_path) not in json.dumps(found)


@pytest.mark.skipif(not shared_folder(), reason="shared data is absent")
@pytest.mark.neural
def test_cold_runs_have_folders_of_their_own_and_warm_ones_keep_theirs(tmp_path: Path):
    parts = {each.part: each for each in c9.prepare(_options(tmp_path))}
    assert len(parts) == 8
    for work in c9.WORK:
        cold, warm = (" ".join(parts[f"{work}, {state}"].ours.task["command"]) for state in ("cold", "warm"))
        assert "--home {out}/home" in cold and "{out}" not in warm
        assert parts[f"{work}, warm"].before and not parts[f"{work}, cold"].before
        assert parts[f"{work}, cold"].ours.task["drop"] and not parts[f"{work}, warm"].ours.task["drop"]
    assert sum(each.control for each in parts.values()) == 1


@pytest.mark.skipif(not shared_folder(), reason="shared data is absent")
@pytest.mark.neural
def test_both_sides_read_the_same_files_and_the_same_model(tmp_path: Path):
    parts = {each.part: each for each in c9.prepare(_options(tmp_path))}
    for part in ("classifier, cold", "plain classifier, warm"):
        sides = [str(arm.task["command"]) for arm in (parts[part].ours, parts[part].peers["best"][0])]
        assert all(str(tmp_path / name) in side for side in sides for name in ("train.jsonl", "test.jsonl"))
    assert "stories260k-llama" in (tmp_path / "trl.yaml").read_text("utf-8")
    assert "stories260k-llama" in str(parts["language model, cold"].ours.task["command"])
