"""One model from a file, and every command that has to do with a model: shapes, streams, exit codes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from commandline import Trained, texts, tunesmith

SCORE = {"value", "low", "high", "n"}


def test_up_ends_with_the_one_object_that_the_readme_promises(trained: Trained) -> None:
    assert len(trained.done.out.splitlines()) == 1
    value = trained.result
    assert {
        "task", "data", "ladder", "chosen", "test", "verdict", "model", "bundle", "report", "run",
        "endpoint", "serve_command",
    } <= set(value)  # fmt: skip
    assert value["task"] == "text-classification"
    assert set(value["data"]) == {"version", "rows", "splits", "findings"}
    assert set(value["data"]["splits"]) == {"train", "validation", "test"}
    assert sum(value["data"]["splits"].values()) == value["data"]["rows"] == 50
    for finding in value["data"]["findings"]:
        assert set(finding) == {"code", "severity", "count", "fixed"}
    assert [rung["approach"] for rung in value["ladder"]][:2] == ["majority", "linear"]
    for rung in value["ladder"]:
        assert {"approach", "detail", "scores", "seconds", "bytes", "skipped"} <= set(rung)
        assert rung["skipped"] or set(rung["scores"]["macro_f1"]) >= SCORE
    assert set(value["test"]["chosen"]["macro_f1"]) >= SCORE
    assert value["verdict"]["outcome"] in {"better", "not-better", "cannot-tell"}
    assert value["verdict"]["sentence"].endswith(".")
    assert (value["model"], value["endpoint"]) == ("small@1", None)
    assert value["serve_command"] == "tunesmith serve small@1"
    assert Path(value["report"]).read_text().startswith("<!")
    assert (Path(value["bundle"]) / "manifest.json").is_file()


def test_up_tells_its_stages_on_stderr(trained: Trained) -> None:
    said = trained.done.err
    for word in ("Data ", "check ", "split ", "Rung ", "Proof ", "golden rows agree"):
        assert word in said
    assert "\x1b" not in said


def test_train_shows_its_result_to_people(small: Path, tmp_path: Path, run: Callable) -> None:
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(f'approach = "linear"\n[data]\nsource = "{small}"\n')
    done = run("train", str(recipe))
    assert done.code == 0, done.err
    for word in (
        "Ladder ",
        "linear",
        "Macro-F1 (95 % interval)",
        "Verdict ",
        "Model ",
        "Report ",
        "tunesmith serve small@1",
    ):
        assert word in done.out
    assert max(map(len, done.out.splitlines())) < 300
    shown = run("runs", "ls", "--json")
    (made,) = json.loads(shown.out)["runs"]
    assert made["status"] == "finished"
    watched = run("runs", "watch", made["id"], "--json").out.splitlines()
    events = [json.loads(line)["event"] for line in watched]
    assert events[-1] == "finished"
    assert set(events) >= {"stage", "saved", "measured"}
    assert "Proof" in run("runs", "watch", made["id"]).out


def test_a_gate_that_is_not_met_is_exit_code_8(small: Path, tmp_path: Path, run: Callable) -> None:
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(f'approach = "majority"\n[data]\nsource = "{small}"\n[gate]\nmacro_f1 = ">= 0.99"\n')
    done = run("train", str(recipe), "--json")
    assert done.code == 8
    assert json.loads(done.out)["gate"]["passed"] is False
    people = run("models", "show", "small").out
    assert "NOT passed" in people
    refused = run("models", "promote", "small@1", "--json")
    assert (refused.code, refused.error["exit_code"]) == (8, 8)


def test_predict_gives_one_line_of_json_for_each_row(trained: Trained, small: Path, run: Callable) -> None:
    done = run("predict", "small", str(small), "--home", trained.home, "--json")
    rows = [json.loads(line) for line in done.out.splitlines()]
    assert (done.code, len(rows)) == (0, 50)
    for row in rows:
        assert set(row) == {"place", "label", "confidence", "abstain", "probs", "labels"}
        assert row["label"] in row["labels"] == ["billing", "technical"]
        assert sum(row["probs"]) == pytest.approx(1)
    assert rows[0]["place"].startswith(f"{small}:2")


def test_predict_reads_texts_and_json_from_standard_input(trained: Trained) -> None:
    text = texts()[0][0]
    lines = "\n".join([text, json.dumps({"text": text}), "", '{"body": "x"}', "ü\u2028x"]) + "\n"
    done = tunesmith("predict", trained.result["bundle"], "-", "--json", stdin=lines)
    rows = [json.loads(line) for line in done.out.splitlines()]
    assert [row["place"] for row in rows] == ["-:1", "-:2", "-:4", "-:5"]
    assert rows[0] | {"place": ""} == rows[1] | {"place": ""}
    assert set(rows[2]) == {"place", "error", "fix"}
    assert done.code == 3  # a row has no prediction
    assert "1 row could not be read" in done.err
    people = tunesmith("predict", trained.result["bundle"], "-", stdin=text + "\n")
    assert people.code == 0
    assert people.out.split()[:2] == ["-:1", rows[0]["label"]]


def test_eval_and_compare(trained: Trained, small: Path, run: Callable) -> None:
    done = run("eval", "small@1", str(small), "--home", trained.home, "--json")
    value = json.loads(done.out)
    assert value["model"] == "small@1"
    assert set(value["scores"]["macro_f1"]) >= SCORE
    assert (
        "Confused" in run("eval", "small@1", str(small), "--home", trained.home).out or not value["confused"]
    )
    done = run(
        "compare", "small@1", trained.result["bundle"], "--on", str(small), "--home", trained.home, "--json"
    )
    value = json.loads(done.out)
    assert [each["fixed"] for each in value["differences"]] == [0]
    assert (
        "0 rows fixed, 0 broken"
        in run("compare", "small@1", "small", "--on", str(small), "--home", trained.home).out
    )


def test_models_are_listed_shown_promoted_and_rolled_back(trained: Trained, run: Callable) -> None:
    at_home = ("--home", trained.home)
    assert "small@1" in run("models", "ls", *at_home).out
    assert json.loads(run("models", "ls", *at_home, "--json").out)["models"][0]["ref"] == "small@1"
    assert json.loads(run("models", "show", "small", *at_home, "--json").out)["verdict"]["sentence"]
    assert "Verdict" in run("models", "show", "small", *at_home).out
    assert json.loads(run("models", "promote", "small@1", *at_home, "--json").out)["stage"] == "production"
    assert run("models", "rollback", "small", *at_home).code == 5  # there was nothing before
    assert run("runs", "show", trained.result["run"], *at_home).out.startswith("id ")


def test_empty_homes_say_where_to_begin(run: Callable) -> None:
    assert "tunesmith up DATA" in run("models", "ls").out
    assert "tunesmith up DATA" in run("runs", "ls").out
    assert json.loads(run("models", "ls", "--json").out) == {"models": []}


def test_data_check_finds_and_tells(tmp_path: Path, run: Callable) -> None:
    path = tmp_path / "faulty.csv"
    rows = "".join(f'"{text}",{label}\n' for text, label in texts())
    path.write_text("text,label\n" + rows + f'"{texts()[0][0]}",billing\n' + "one,two,three,four\n")
    done = run("data", "check", str(path), "--json")
    value = json.loads(done.out)
    assert {"D101"} <= {finding["code"] for finding in value["findings"]}
    assert len(value["broken"]) == 1
    people = run("data", "check", str(path)).out
    assert "D101" in people
    assert "faulty.csv:53" in people


def test_doctor_explain_and_init(run: Callable, tmp_path: Path) -> None:
    value = json.loads(run("doctor", "--json").out)
    assert value["cores"] >= 1
    assert "home" in run("doctor").out
    assert set(json.loads(run("explain", "d104", "--json").out)) == {"code", "title", "why", "fix"}
    assert run("explain", "D104").out.startswith("D104  ")
    made = json.loads(run("init", str(tmp_path / "new"), "--json").out)["files"]
    assert made == [str(tmp_path / "new" / "recipe.toml")]
    assert run("train", made[0], "--set", "data.source=nowhere.csv").code == 5  # a recipe that is read


def test_offline_reaches_the_libraries_underneath(run: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    monkeypatch.setenv("TRANSFORMERS_OFFLINE", "0")
    run("up", "nowhere.csv", "--offline")
    assert (os.environ["HF_HUB_OFFLINE"], os.environ["TRANSFORMERS_OFFLINE"]) == ("1", "1")


@pytest.mark.slow
def test_up_serves_where_asked_until_it_is_told_to_end(small: Path, tmp_path: Path) -> None:
    import signal
    import subprocess
    import sys

    import httpx

    from commandline import environment

    words = ["up", str(small), "--home", str(tmp_path), "--budget", "1s", "--serve", "--port", "0", "--json"]
    child = subprocess.Popen(
        [sys.executable, "-m", "tunesmith", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=environment(),
    )
    assert child.stdout is not None
    value = json.loads(child.stdout.readline())
    assert httpx.get(value["endpoint"] + "/readyz").status_code == 200
    child.send_signal(signal.SIGTERM)
    assert child.wait(60) == 0
    with pytest.raises(httpx.ConnectError):
        httpx.get(value["endpoint"] + "/readyz")
