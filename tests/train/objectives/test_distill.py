"""Distillation: the formula, what is stored and read again, and teachers that can't teach."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
from lessons import job, net_of, taught  # noqa: E402
from miniature import fit  # noqa: E402
from tunesmith import bases, catalog  # noqa: E402
from tunesmith.data.checking import last  # noqa: E402
from tunesmith.errors import TunesmithError  # noqa: E402
from tunesmith.events import Progress  # noqa: E402
from tunesmith.parts import Profile  # noqa: E402
from tunesmith.train.objectives import _taught  # noqa: E402

pytestmark = pytest.mark.neural


def teaching(events: Any) -> int:
    return sum(isinstance(event, Progress) and event.stage == "teacher" for event in events)


def stored(folder: Path) -> str:
    return str(next((folder / "cache" / "teachers").iterdir()))


def test_the_loss_is_the_mix_of_own_words_and_the_teachers_whole_distribution(tmp_path: Path) -> None:
    section = {"name": "distill", "temperature": 1.7, "hard": 0.3, "top": 10_000}
    made = job(tmp_path, section)
    _, net, lesson = taught(made)
    teacher = _taught._net(made, None)
    examples = [each for row in made.train[:4] for each in lesson.encode(row, made.codec, None)]
    batch = lesson.collate(examples, made.codec)
    ids, weights = batch.tensors["ids"], batch.tensors["weights"][:, 1:]
    with torch.no_grad():
        theirs, own = (each.backbone(input_ids=ids).logits[:, :-1] for each in (teacher, net))
        nll = -own.log_softmax(-1).gather(2, ids[:, 1:, None])[..., 0]
        known, asked = (theirs / 1.7).log_softmax(-1), (own / 1.7).log_softmax(-1)
        far = (known.exp() * (known - asked)).sum(-1)
    terms = lesson.loss(net, batch)
    assert float(terms["token"].detach()) == pytest.approx(0.3 * float((weights * nll).sum()), rel=1e-4)
    soft = 0.7 * 1.7**2 * float((weights * far).sum())
    assert float(terms["teacher"].detach()) == pytest.approx(soft, rel=1e-3)


def test_the_teacher_is_asked_once_and_its_folder_teaches_other_runs(tmp_path: Path) -> None:
    assert teaching(fit(job(tmp_path, "distill", epochs=1))) > 0
    assert teaching(fit(job(tmp_path, {"name": "distill", "hard": 0.5}, epochs=1))) == 0
    section = {"name": "distill", "teacher": stored(tmp_path)}
    assert teaching(fit(job(tmp_path / "other", section, epochs=1))) == 0


def test_stored_logits_of_other_rows_or_another_temperature_are_refused(tmp_path: Path) -> None:
    fit(job(tmp_path, "distill", epochs=1))
    section = {"name": "distill", "teacher": stored(tmp_path)}
    made = job(tmp_path, section)
    others = replace(made, train=made.validation)
    warm = job(tmp_path, {**section, "temperature": 3.0})
    for wrong, word in ((others, "lack"), (warm, "temperature")):
        with pytest.raises(TunesmithError, match=word) as refused:
            last(catalog.make("objective", wrong.recipe.objective).lesson(wrong, net_of(wrong)))
        assert refused.value.code == "C154"


def test_a_teacher_that_is_not_there_or_has_other_tokens_is_refused(tmp_path: Path, shared: Path) -> None:
    base = bases.resolve(str(shared / "models" / "stories260k-llama"))
    for teacher, code in (("nowhere/at/all", "C152"), (str(shared / "models" / "babyllama-char-1m"), "C153")):
        made = job(tmp_path, {"name": "distill", "teacher": teacher})
        made = replace(made, base=base, codec=made.task.codec(base, Profile(1)))
        with pytest.raises(TunesmithError) as refused:
            last(catalog.make("objective", made.recipe.objective).lesson(made, net_of(made)))
        assert refused.value.code == code
