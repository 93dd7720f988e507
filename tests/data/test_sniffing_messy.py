"""Generated tables of many forms, written in many ways: their form and columns are found."""

from __future__ import annotations

import csv
import io
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tunesmith.data import mapping, source
from tunesmith.errors import TunesmithError

WORDS = "the order card invoice a wheel login please refund oil account since chain error café tyre brake we".split()  # noqa: SIM905
KINDS = ["billing", "access", "bug", "refund", "other"]
Row = dict[str, Any]
Made = tuple[str, dict[str, str], list[Row]]


def said(rng: random.Random, least: int = 4, most: int = 20) -> str:
    return " ".join(rng.choices(WORDS, k=rng.randint(least, most))) + rng.choice(["", ".", "?", "\nbye"])


def named(rng: random.Random, **names: str) -> dict[str, str]:
    """A name for each key, of those given in one text; sometimes in capitals or with a capital."""
    style = rng.choice([str, str, str, str.upper, str.title])
    return {key: style(rng.choice(choices.split())) for key, choices in names.items()}


def rows_of(rng: random.Random, make: Callable[[], Row]) -> list[Row]:
    return [make() for _ in range(rng.randint(20, 80))]


def text_label(rng: random.Random) -> Made:
    k = named(rng, text="text body message review sentence", label="label category intent sentiment queue")
    return "text-label", k, rows_of(rng, lambda: {k["text"]: said(rng), k["label"]: rng.choice(KINDS)})


def multilabel(rng: random.Random) -> Made:
    k = named(rng, text="text body comment", labels="labels tags categories topics")
    between = rng.choice(["; ", "|", ", "])

    def row() -> Row:
        chosen = rng.sample(KINDS, rng.randint(1, 3))
        return {k["text"]: said(rng), k["labels"]: chosen if listed else between.join(chosen)}

    listed = rng.random() < 0.5
    return "text-multilabel", k, rows_of(rng, row)


def one_hot(rng: random.Random) -> Made:
    k = named(rng, text="text comment_text body")
    yes, no = rng.choice([(1, 0), (True, False), ("1", "0")])
    make = lambda: {k["text"]: said(rng), **{kind: rng.choice([yes, no]) for kind in KINDS}}  # noqa: E731
    return "text-multilabel", {**k, "labels": "FLAGS"}, rows_of(rng, make)


def pair(rng: random.Random) -> Made:
    a, b = rng.choice(
        ["premise hypothesis", "sentence1 sentence2", "question1 question2", "text_a text_b"]
    ).split()
    k = {"text_a": a, "text_b": b, "label": rng.choice(["label", "score", "gold_label"])}
    value = (
        (lambda: round(rng.random() * 5, 2)) if k["label"] == "score" else (lambda: rng.choice(["yes", "no"]))
    )
    return "text-pair", k, rows_of(rng, lambda: {a: said(rng), b: said(rng), k["label"]: value()})


def document(rng: random.Random) -> Made:
    k = named(rng, text="text content document body article")
    return "text", k, rows_of(rng, lambda: {k["text"]: said(rng, 20, 60)})


def asked(rng: random.Random) -> Made:
    a, b = rng.choice(
        ["prompt completion", "question answer", "query response", "input output", "prompt response"]
    ).split()
    return (
        "prompt-completion",
        {"prompt": a, "completion": b},
        rows_of(rng, lambda: {a: said(rng), b: said(rng)}),
    )


def alpaca(rng: random.Random) -> Made:
    k = {"instruction": "instruction", "input": rng.choice(["input", "context"]), "output": "output"}
    k["output"] = "response" if k["input"] == "context" else "output"
    if rng.random() < 0.3:
        k["system"] = "system"
    empty = lambda name: name == "input" and rng.random() < 0.5  # noqa: E731
    make = lambda: {column: "" if empty(name) else said(rng) for name, column in k.items()}  # noqa: E731
    return "alpaca", k, rows_of(rng, make)


def turns(rng: random.Random, role: str, content: str, names: tuple[str, str]) -> list[Row]:
    return [{role: names[n % 2], content: said(rng)} for n in range(2 * rng.randint(1, 3))]


def sharegpt(rng: random.Random) -> Made:
    k = {"conversations": rng.choice(["conversations", "conversation"])}
    return (
        "sharegpt",
        k,
        rows_of(rng, lambda: {k["conversations"]: turns(rng, "from", "value", ("human", "gpt"))}),
    )


def messages(rng: random.Random) -> Made:
    k = {"messages": rng.choice(["messages", "messages", "conversations", "conversation"])}
    made = lambda: {k["messages"]: turns(rng, "role", "content", ("user", "assistant"))}  # noqa: E731
    return "messages", k, rows_of(rng, made)


def reply(rng: random.Random) -> list[Row]:
    return [{"role": "assistant", "content": said(rng)}]


def preference(rng: random.Random) -> Made:
    k = {"prompt": rng.choice(["prompt", "question"]), "chosen": "chosen", "rejected": "rejected"}
    make = (lambda: reply(rng)) if rng.random() < 0.4 else (lambda: said(rng))
    return (
        "preference",
        k,
        rows_of(rng, lambda: {k["prompt"]: said(rng), k["chosen"]: make(), k["rejected"]: make()}),
    )


def implicit(rng: random.Random) -> Made:
    def row() -> Row:
        prompt = [{"role": "user", "content": said(rng)}]
        return {"chosen": [*prompt, *reply(rng)], "rejected": [*prompt, *reply(rng)]}

    return "preference-implicit", {"chosen": "chosen", "rejected": "rejected"}, rows_of(rng, row)


def openai(rng: random.Random) -> Made:
    def row() -> Row:
        asked = {"messages": [{"role": "user", "content": said(rng)}], "tools": []}
        return {"input": asked, "preferred_output": reply(rng), "non_preferred_output": reply(rng)}

    names = ("input", "preferred_output", "non_preferred_output")
    return "preference-openai", {name: name for name in names}, rows_of(rng, row)


def unpaired(rng: random.Random) -> Made:
    k = {"prompt": "prompt", "completion": "completion", "label": rng.choice(["label", "kto_tag"])}
    make = lambda: {"prompt": said(rng), "completion": said(rng), k["label"]: rng.random() < 0.5}  # noqa: E731
    return "unpaired", k, rows_of(rng, make)


def tagged(rng: random.Random) -> Made:
    k = named(rng, tokens="tokens words", tags="tags ner_tags labels")

    def row() -> Row:
        words = rng.choices(WORDS, k=rng.randint(2, 12))
        return {k["tokens"]: words, k["tags"]: [rng.choice(["O", "O", "B-part", "B-place"]) for _ in words]}

    return "tokens-tags", k, rows_of(rng, row)


def spans(rng: random.Random) -> Made:
    k = named(rng, text="text sentence", spans="spans entities")
    triples = rng.random() < 0.4

    def row() -> Row:
        start = rng.randint(0, 6)
        span = {"start": start, "end": start + 3, "label": rng.choice(KINDS)}
        return {k["text"]: said(rng, 6), k["spans"]: [list(span.values()) if triples else span]}

    return "spans", k, rows_of(rng, row)


def rewritten(rng: random.Random) -> Made:
    a, b = rng.choice(
        ["source target", "article summary", "document summary", "text summary", "text target"]
    ).split()
    return "seq2seq", {"source": a, "target": b}, rows_of(rng, lambda: {a: said(rng, 15, 40), b: said(rng)})


def translated(rng: random.Random) -> Made:
    make = lambda: {"translation": {"en": said(rng), "de": said(rng)}}  # noqa: E731
    return "translation", {"translation": "translation"}, rows_of(rng, make)


def studio(rng: random.Random) -> Made:
    def row() -> Row:
        result = [{"type": "choices", "value": {"choices": [rng.choice(KINDS)]}}]
        return {"data": {"text": said(rng)}, "annotations": [{"result": result}], "predictions": []}

    return "label-studio", {"data": "data", "annotations": "annotations"}, rows_of(rng, row)


def prompts(rng: random.Random) -> Made:
    k = named(rng, prompt="prompt prompts")
    if rng.random() < 0.4:
        k["reference"] = rng.choice(["reference", "ground_truth"])
    talk = rng.random() < 0.4

    def row() -> Row:
        asked = [{"role": "user", "content": said(rng)}] if talk else said(rng)
        return {column: asked if key == "prompt" else said(rng, 1, 3) for key, column in k.items()}

    return "prompt-only", k, rows_of(rng, row)


def stepwise(rng: random.Random) -> Made:
    k = named(rng, prompt="prompt question problem", completions="completions steps", labels="labels")
    yes, no = rng.choice([(True, False), (1, 0)])

    def row() -> Row:
        steps = [said(rng) for _ in range(rng.randint(1, 6))]
        return {
            k["prompt"]: said(rng),
            k["completions"]: steps,
            k["labels"]: [rng.choice([yes, no]) for _ in steps],
        }

    return "stepwise", k, rows_of(rng, row)


def extractive(rng: random.Random) -> Made:
    k = named(rng, question="question query", context="context passage", answers="answers")
    pairs = rng.random() < 0.3

    def row() -> Row:
        context = said(rng, 20, 60)
        found = [
            {"text": context[start : start + 9], "answer_start": start}
            for start in rng.sample(range(40), rng.choice([0, 1, 1, 3]))
        ]
        answers = {name: [each[name] for each in found] for name in ("text", "answer_start")}
        return {
            k["question"]: said(rng),
            k["context"]: context,
            k["answers"]: found if pairs else answers,
        }

    return "extractive-qa", k, rows_of(rng, row)


def studio_many(rng: random.Random) -> Made:
    """At least one task in ten has two choices."""
    k = {"data": "data", "annotations": "annotations"}

    def row(count: int) -> Row:
        result = [{"type": "choices", "value": {"choices": rng.sample(KINDS, count)}}] if count else []
        return {"data": {"text": said(rng)}, "annotations": [{"result": result}], "predictions": []}

    counts = [2, *[rng.choice([0, 1, 1, 1, 3]) for _ in range(9)]] * rng.randint(2, 8)
    return "label-studio-multilabel", k, [row(count) for count in counts]


MAKERS = [
    text_label,
    text_label,
    multilabel,
    one_hot,
    pair,
    document,
    asked,
    asked,
    alpaca,
    sharegpt,
    messages,
    preference,
]
MAKERS += [implicit, openai, unpaired, tagged, spans, rewritten, translated, studio]


SPECIAL = [prompts, stepwise, extractive, studio_many, studio, unpaired, asked, tagged]


def table(
    rng: random.Random, makers: list[Callable[[random.Random], Made]] = MAKERS
) -> tuple[bytes, str, str, dict[str, str]]:
    """(a file, its suffix, its form, the columns of its keys)."""
    form, columns, rows = rng.choice(makers)(rng)
    extras: dict[str, Callable[[int], Any]] = {
        "id": lambda k: 1000 + k,
        "uuid": lambda k: f"{k * 7919:08x}",
        "created_at": lambda k: f"2024-{k % 12 + 1:02}-{k % 28 + 1:02}",
        "dataset": lambda _: "export-3",
        "length": lambda _: rng.randint(1, 500),
        "meta": lambda k: {"source": "web", "n": k},
    }
    chosen = rng.sample(list(extras), rng.randint(0, 3))
    order = rng.sample([*rows[0], *chosen], len(rows[0]) + len(chosen))
    rows = [{**row, **{name: extras[name](k) for name in chosen}} for k, row in enumerate(rows)]
    rows = [{name: row[name] for name in order} for row in rows]
    if columns.get("labels") == "FLAGS":
        columns = {**columns, "labels": ",".join(name for name in order if name in KINDS)}
    if rng.random() < 0.5:
        lines = "".join(json.dumps(row, ensure_ascii=rng.random() < 0.5) + "\n" for row in rows)
        return lines.encode(), ".jsonl", form, columns
    written = json.dumps if rng.random() < 0.5 else str
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=rng.choice(",;\t"), lineterminator=rng.choice(["\n", "\r\n"]))
    writer.writerow(order)
    writer.writerows(
        [[written(v) if isinstance(v, (list, dict)) else v for v in row.values()] for row in rows]
    )
    return out.getvalue().encode(rng.choice(["utf-8", "utf-8-sig"])), ".csv", form, columns


def misread(
    tmp_path: Path, word: str, count: int, makers: list[Callable[[random.Random], Made]]
) -> list[Any]:
    """The tables of which another form or other columns were found."""
    wrong = []
    for seed in range(count):
        content, suffix, form, columns = table(random.Random(f"{word} {seed}"), makers)
        path = tmp_path / f"t{seed}{suffix}"
        path.write_bytes(content)
        try:
            reading = mapping.read_as(source.sniff(path))
            found = (reading.form, dict(reading.columns.columns))
        except TunesmithError as refusal:
            found = ("refused", {"": str(refusal)})
        if found != (form, columns):
            wrong.append((seed, form, columns, *found))
    print(*wrong, sep="\n")
    return wrong


def test_forms_and_columns_of_messy_tables_are_found(tmp_path: Path) -> None:
    assert len(wrong := misread(tmp_path, "form", 200, MAKERS)) <= 10, wrong


def test_forms_of_lists_and_of_prompts_alone_are_told_from_their_neighbours(tmp_path: Path) -> None:
    assert not (wrong := misread(tmp_path, "special", 80, SPECIAL)), wrong
