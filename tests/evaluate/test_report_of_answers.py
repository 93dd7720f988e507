"""The page of a model that answers in words: its answers, and what it forgot."""

from __future__ import annotations

from typing import Any

import pytest

from pages import ATTACK, Reader
from tunesmith.evaluate import report


def score(value: float, reach: float = 0.02, n: int = 200) -> dict[str, Any]:
    return {"value": value, "low": value - reach, "high": value + reach, "n": n}


def ability(name: str, before: float, after: float, verdict: str) -> dict[str, Any]:
    return {
        "name": name,
        "metric": "loss",
        "before": score(before),
        "after": score(after),
        "difference": score(after - before, 0.01),
        "rise": after / before - 1,
        "verdict": verdict,
        "sentence": "",
    }


def answer(gain: float | None, **words: str) -> dict[str, Any]:
    return {"prompt": "Who?", "reference": "Me.", "base": "You.", "answer": "I.", **words, "gain": gain}


@pytest.fixture
def value() -> dict[str, Any]:
    scores = {"loss": score(2.5), "perplexity": score(12.2)}
    return {
        "title": "tales",
        "task": "language-model",
        "metric": "loss",
        "metrics": ["loss", "perplexity"],
        "chosen": "tune",
        "chosen_reason": "the recipe says so",
        "ladder": [
            {
                "approach": "prompt",
                "detail": "",
                "scores": scores,
                "seconds": 0.1,
                "bytes": 20,
                "skipped": None,
            },
            {"approach": "tune", "detail": "full", "scores": {}, "seconds": 1, "bytes": 1, "skipped": "late"},
        ],
        "test": {"chosen": scores, "prompt": {"loss": score(3.7), "perplexity": score(40.4)}},
        "differences": [
            {"against": "prompt", **score(-1.2), "outcome": "better", "fixed": 0, "broken": 0},
        ],
        "answers": [answer(gain, prompt=f"number {gain}") for gain in (0.4, -0.3, 0.1, -0.7)],
        "forgetting": {
            "abilities": [ability("general text", 1.3, 2.4, "lost"), ability("sums", 1.3, 1.3, "kept")],
            "kl_to_base": score(0.45),
            "sentence": "Measurably forgotten: general text.",
            "source": "texts that the base wrote",
        },
    }


def test_every_link_of_the_page_leads_to_a_section(value: dict[str, Any]) -> None:
    page = report.render(value)
    assert Reader(page).stack == []
    for anchor in ("ladder", "test", "answers", "forgetting", "method"):
        assert f'id="{anchor}"' in page and f'href="#{anchor}"' in page


def test_scores_are_the_tasks_own(value: dict[str, Any]) -> None:
    page = report.render(value)
    assert "Accuracy" not in page and "fixed" not in page
    assert "Less is better: Loss, Perplexity." in page
    assert "The recipe says so." in page
    assert "20 B" in page
    assert "Better than the base means" in page


def test_answers_are_shown_from_both_ends_with_the_move_of_the_score(value: dict[str, Any]) -> None:
    page = report.render(value)
    places = [page.index(f"number {gain}<") for gain in (0.4, 0.1, -0.7, -0.3)]
    assert places == sorted(places)
    assert page.index("Gained most") < places[0] < page.index("Lost most") < places[2]
    assert "-0.400" in page  # a loss that falls by 0.4
    assert "+0.700" in page


def test_a_model_that_is_asked_nothing_shows_its_texts_alone(value: dict[str, Any]) -> None:
    value["answers"] = [answer(gain, reference="", base="", answer="") for gain in (0.4, 0.2)]
    page = report.render(value)
    assert "<th>Text</th>" in page and "The base</th>" not in page
    assert "Gained least" in page


def test_answers_without_a_base_are_shown_as_they_are(value: dict[str, Any]) -> None:
    value["answers"] = [{"prompt": "Who?", "reference": "Me.", "answer": "I."}]
    page = report.render(value)
    assert "The first test rows." in page and "Gained most" not in page
    value["answers"] = [answer(None, answer="")]
    assert "nothing" in report.render(value)


def test_forgetting_that_could_not_be_measured_is_one_sentence(value: dict[str, Any]) -> None:
    said = "Not measured: the base is asked at a server."
    value["forgetting"] = {"abilities": [], "kl_to_base": None, "sentence": said, "source": ""}
    page = report.render(value)
    section = page[page.index('id="forgetting"') :].partition("</section>")[0]
    assert said in section and "<table" not in section and "Divergence" not in section


def test_forgetting_is_a_table_with_a_verdict_for_each_ability(value: dict[str, Any]) -> None:
    page = report.render(value)
    section = page[page.index('id="forgetting"') :]
    for words in (
        "general text",
        "perplexity 3.67",
        "perplexity 11.02",
        "+1.100",
        "lost in part",
        "kept",
        "0.450",
    ):
        assert words in section
    assert "A regularizer holds it back" in section
    value["forgetting"]["abilities"] = value["forgetting"]["abilities"][1:]
    assert "A regularizer holds it back" not in report.render(value)


def test_scores_that_nobody_knows_leave_a_dash(value: dict[str, Any]) -> None:
    hole = {"value": None, "low": None, "high": None, "n": 1}
    value["forgetting"]["kl_to_base"] = hole
    lost = value["forgetting"]["abilities"][0]
    lost["before"], lost["difference"] = hole, hole
    assert Reader(report.render(value)).stack == []


def test_words_of_a_model_stay_text(value: dict[str, Any]) -> None:
    value["answers"] = [answer(1.0, prompt=ATTACK, reference=ATTACK, base=ATTACK, answer=ATTACK)]
    value["forgetting"]["abilities"][0]["name"] = value["forgetting"]["source"] = ATTACK
    page = report.render(value)
    assert "<script" not in page and "<img" not in page and Reader(page).stack == []


def test_one_look_at_validation_rows_draws_no_curve(value: dict[str, Any]) -> None:
    value["training"] = {"loss": [[1, 3.0], [2, 2.0]], "validation": [[2, 2.5]], "metric": "loss"}
    page = report.render(value)
    assert "training loss over step" in page and "validation Loss over step" not in page
