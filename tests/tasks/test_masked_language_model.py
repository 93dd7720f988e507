"""Encoders go on learning from plain texts, and what they learn is a base for a classifier."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tinybase
from miniature import fit, job
from tunesmith import bases, catalog
from tunesmith.errors import UsageError
from tunesmith.events import Measured
from tunesmith.fields import Record, row_key
from tunesmith.inputs import masking
from tunesmith.parts import Draw, Profile
from tunesmith.train.engine import local

pytestmark = pytest.mark.neural
TASK = "masked-language-model"


def made(**options: Any) -> tuple[Any, Any]:
    task = catalog.part("task", TASK)(**options)
    return task, task.tiny_codec(Profile(24))


def base(folder: Path) -> bases.Base:
    """An encoder of random weights without a head, with a mask among its tokens."""
    tinybase.make(folder)
    (folder / "tokenizer.json").write_bytes(masking.byte_tokenizer())
    return bases.resolve(str(folder))


def test_each_epoch_hides_other_places_and_a_resumed_one_the_same() -> None:
    task, codec = made()
    row = task.samples()[0]
    hidden = [task.encode(row, codec, Draw(3, epoch))[0].values["hidden"] for epoch in (0, 1, 0)]
    assert hidden[0] == hidden[2] != hidden[1]
    assert task.encode(row, codec, Draw(4, 0))[0].values["hidden"] != hidden[0]


def test_models_are_compared_at_the_same_places_whatever_the_seed() -> None:
    task, codec = made()
    for row in task.samples():
        (first,) = task.encode(row, codec, None)
        assert task.encode(row, codec, None) == [first]
        (asked,) = task.encode(Record({"text": row.fields["text"]}), codec, None)  # as faces ask
        assert asked.values == first.values
        at = np.flatnonzero(first.values["hidden"])
        assert np.flatnonzero(first.values["weights"]).tolist() == at.tolist()
        assert {first.values["seen"][each] for each in at} == {codec.settings["mask_id"]}


def test_a_text_with_hidden_places_is_filled_there_and_nowhere_else() -> None:
    task, codec = made()
    net, fields = task.tiny(codec), {"text": "a [MASK]ell is ne[MASK]ded"}
    record = Record(fields, key=row_key(fields))
    (outputs,) = local.predict(net, task, codec, [record], task.reply)
    answer = task.decode(record, outputs, codec)
    assert (answer.tokens, answer.likelihood) == (2, None)
    assert answer.text.startswith("a ")
    assert "ell is ne" in answer.text
    assert "[MASK]" not in answer.text


def test_the_loss_on_held_out_rows_falls_and_tuning_names_its_head(tmp_path: Path) -> None:
    from safetensors.numpy import load_file

    scores = {}
    for tuning in ("full", "lora"):
        run = replace(
            job(tmp_path / tuning, task=TASK, tuning=tuning, epochs=6), base=base(tmp_path / f"{tuning}-b")
        )
        run = replace(run, codec=run.task.codec(run.base, Profile(24)))
        losses = [event.scores["loss"] for event in fit(run) if isinstance(event, Measured)]
        scores[tuning] = losses
        assert losses[-1] < losses[0]
        assert {"head.dense.weight", "head.bias"} <= set(load_file(run.model / "delta.safetensors"))
    assert scores["full"][-1] < 5.4  # 260 tokens guessed blindly cost ln 260 = 5.56


def test_a_new_head_is_said(tmp_path: Path) -> None:
    task = catalog.part("task", TASK)()
    codec = task.codec(base(tmp_path), Profile(24))
    rows = [task.encode(record, codec, Draw(0, 0)) for record in task.samples()]
    said = [getattr(event, "text", "") for event in task.survey(rows, codec)]
    assert "tokens are learnt" in said[0]
    assert "no head that says words" in said[1]


def test_a_base_without_a_mask_is_refused(tmp_path: Path) -> None:
    tinybase.make(tmp_path)
    with pytest.raises(UsageError) as refused:
        catalog.part("task", TASK)().codec(bases.resolve(str(tmp_path)), Profile(24))
    assert refused.value.code == "B206"


def test_a_classifier_begins_from_what_was_learnt(tmp_path: Path) -> None:
    """The tuned encoder, merged and saved as a folder, is a base; its weights are the tuned ones."""
    import torch
    from safetensors.torch import load_file

    start = base(tmp_path / "base")
    run = replace(job(tmp_path / "run", task=TASK, tuning="lora"), base=start)
    run = replace(run, codec=run.task.codec(start, Profile(24)))
    fit(run)
    tuning = catalog.make("tuning", run.recipe.tuning)
    net = local.build(run, tuning)
    tuning.load(net, load_file(run.model / "delta.safetensors"))
    net = tuning.merge(net)
    net.backbone.save_pretrained(tmp_path / "domain")
    (tmp_path / "domain" / "tokenizer.json").write_bytes(masking.byte_tokenizer())
    domain = bases.resolve(str(tmp_path / "domain"))
    told = job(tmp_path / "classify")
    told = replace(told, base=domain, codec=told.task.codec(domain, Profile(24, {"a": 12, "b": 12})))
    classifier, plain = local.network(told), local.network(replace(told, base=start))
    ids = torch.tensor([[1, 30, 31, 32, 2]])
    states = [
        each.backbone(input_ids=ids).last_hidden_state
        for each in (classifier.eval(), plain.eval(), net.eval())
    ]
    assert torch.allclose(states[0], states[2], atol=1e-5)
    assert not torch.allclose(states[0], states[1], atol=1e-3)
