"""`eval` of a model that answers in words: scores on the rows that they can judge, and answers to look at."""

from __future__ import annotations

import json
from pathlib import Path

import chat_endpoint
from tunesmith import lifecycle
from tunesmith.cli import tables
from tunesmith.lifecycle import judging

ASKS = ("Where is the shop", "What does a tyre cost", "Who mends brakes")


def table(path: Path, count: int = 24) -> Path:
    lines = [
        {
            "prompt": f"{ASKS[n % 3]} on day {n * 7919 % 997}?",
            "completion": "Yes." if n % 2 else f"It is {n}.",
        }
        for n in range(count)
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def test_scores_say_on_how_many_rows_they_rest(tmp_path: Path) -> None:
    data = table(tmp_path / "shop.jsonl")
    with chat_endpoint.serving(lambda _: "Yes.") as (url, _):
        recipe = tmp_path / "recipe.toml"
        recipe.write_text(
            f'task = "chat"\n[data]\nsource = "{data}"\n'
            f'[approach]\nname = "prompt"\nendpoint = "{url}"\nmodel = "far"\n'
        )
        lifecycle.run(lifecycle.train(recipe, home=tmp_path / "home"))
        found = lifecycle.run(judging.evaluate("shop@1", str(data), home=tmp_path / "home"))
    scores = found["scores"]
    assert found["rows"] == scores["exact_match"]["n"] == 24 and scores["exact_match"]["value"] == 0.5
    assert (scores["final_number"]["n"], scores["final_number"]["value"]) == (12, 0.0)
    assert (scores["loss"]["n"], scores["loss"]["value"]) == (0, None)  # nobody knows, at a server
    lines = "\n".join(tables.evaluation(found.to_dict()))
    assert "Final number" in lines and "12 rows" in lines and "no row can be judged by it" in lines
    assert lines.count("asked ") == tables.ANSWERS and "said      Yes." in lines
