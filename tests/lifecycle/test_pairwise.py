"""`judge`: two models on the same rows before a judge, held against people's verdicts, with what it cost."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

import chat_endpoint
from commandline import Done
from tunesmith import lifecycle
from tunesmith.__main__ import main
from tunesmith.endpoints import endpoint
from tunesmith.errors import DataError
from tunesmith.lifecycle import pairwise

PEOPLE = ("win", "A", "tie", "", "loss", "b")


def long(messages: Sequence[Mapping[str, str]]) -> str:
    return f"A long and friendly answer to: {messages[-1]['content']}"


def short(messages: Sequence[Mapping[str, str]]) -> str:
    return "No." if "tyre" not in messages[-1]["content"] else long(messages)


def longer(messages: Sequence[Mapping[str, str]]) -> str:
    """A judge that likes length."""
    _, one, other = [part.split("\n</")[0] for part in messages[-1]["content"].split(">\n")[1::2]]
    return f"VERDICT: {'TIE' if len(one) == len(other) else 'A' if len(one) > len(other) else 'B'}"


def table(path: Path, count: int = 30) -> Path:
    asks = ("Where is the shop", "What does a tyre cost", "Who mends brakes")
    lines = [
        {"prompt": f"{asks[n % 3]} on day {n * 7919 % 997}?", "completion": "Yes.", "who": PEOPLE[n % 6]}
        for n in range(count)
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A home with shop@1, which says much, and shop@2, which says little; both ask a server."""
    folder = tmp_path_factory.mktemp("judged")
    data = table(folder / "shop.jsonl")
    with chat_endpoint.serving(long) as (one, _), chat_endpoint.serving(short) as (other, _):
        for url in (one, other):
            recipe = folder / "recipe.toml"
            recipe.write_text(
                f'task = "chat"\n[data]\nsource = "{data}"\n'
                f'[approach]\nname = "prompt"\nendpoint = "{url}"\nmodel = "far"\n'
            )
            lifecycle.run(lifecycle.train(recipe, home=folder / "home"))
        yield folder


def judged(place: Path, rule: chat_endpoint.Rule = longer, data: str = "", **by: Any) -> Any:
    with chat_endpoint.serving(rule, counts=True) as (url, seen):
        judge = pairwise.Judge(endpoint(url, "umpire"), **by)
        verb = pairwise.judge(
            "shop@1", "shop@2", data or str(place / "shop.jsonl"), judge, home=place / "home"
        )
        return lifecycle.run(verb), seen


def test_both_orders_ties_people_and_cost(place: Path) -> None:
    found, seen = judged(place, prices=(1.0, 2.0), people="who")
    assert (found["rows"], found["identical"]) == (30, 10)  # about tyres both say the same
    assert (found["win"], found["tie"], found["loss"], found["swayed"]) == (20, 10, 0, 0)
    assert found["sentence"].startswith("shop@1 is judged better than shop@2: it wins 83 %")
    assert len(seen) == found["cost"]["questions"] == 40 and {each["model"] for each in seen} == {"umpire"}
    read, written = found["cost"]["tokens"]
    assert written == 40 * 2 and found["cost"]["money"] == pytest.approx((read + 2 * written) / 1e6)
    people = found["people"]
    assert people["share"]["n"] == 25 and 0 < people["share"]["value"] < 1
    assert people["kappa"]["n"] == 25 and "says little" in people["sentence"]
    row = found["judged"][0]
    assert row["first"].startswith("A long") and row["second"] == "No." and row["outcome"] == "win"


def test_a_judge_that_favours_a_place_tells_nothing(place: Path) -> None:
    found, _ = judged(place, lambda _: "VERDICT: A")
    assert found["swayed"] == 20 and found["sentence"].startswith("Can't tell which is better")
    assert "people" not in found.to_dict() and found["cost"]["money"] is None


def test_the_rows_that_are_judged_are_always_the_same_few(place: Path) -> None:
    (one, _), (other, _) = judged(place, most=6), judged(place, most=6)
    assert one["rows"] == 6 and [r["place"] for r in one["judged"]] == [r["place"] for r in other["judged"]]


def test_a_reply_without_a_verdict_is_told(place: Path) -> None:
    found, _ = judged(place, lambda _: "hm", most=3)
    assert found["unread"] + found["identical"] == 3
    assert found["identical"] or found["sentence"] == "Can't tell: no reply held a verdict."


def test_what_does_not_fit_is_refused(place: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="has no column 'nobody'") as caught:
        judged(place, people="nobody")
    assert caught.value.code == "M205"
    odd = tmp_path / "odd.jsonl"
    odd.write_text(json.dumps({"prompt": "Is it open?", "completion": "Yes.", "who": "perhaps"}) + "\n")
    with pytest.raises(DataError) as caught:
        judged(place, data=str(odd), people="who")
    assert caught.value.code == "G831"


def test_the_command_shows_verdict_people_cost_and_rows(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(*arguments: str) -> Done:
        capsys.readouterr()
        code = main(list(arguments))
        seen = capsys.readouterr()
        return Done(code, seen.out, seen.err)

    with chat_endpoint.serving(longer, counts=True) as (url, _):
        on = ("--on", str(place / "shop.jsonl"), "--endpoint", url, "--home", str(place / "home"))
        done = run("judge", "shop@1", "shop@2", *on, "--model", "umpire", "--price", "1,2", "--people", "who")
        told = run("judge", "shop@1", "shop@2", *on, "--model", "umpire", "--rows", "4", "--json")
        unnamed = run("judge", "shop@1", "shop@2", *on)
        odd = run("judge", "shop@1", "shop@2", *on, "--model", "umpire", "--price", "cheap")
    assert done.code == 0, done.err
    for word in (
        "Verdict ",
        "20 win, 10 tie, 0 loss",
        "10 answers are the same",
        "kappa",
        "40 questions",
        "USD",
    ):
        assert word in done.out
    assert json.loads(told.out)["rows"] == 4
    assert (unnamed.code, odd.code) == (2, 2) and "C130" in unnamed.err and "C125" in odd.err
