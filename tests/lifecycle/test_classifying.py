"""Evidence from given models: names by a token classifier, toxicity by a model of ours."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from tunesmith import lifecycle
from tunesmith.data.contents.labelled import Labelled
from tunesmith.errors import UsageError
from tunesmith.fields import Record
from tunesmith.inputs import entities
from tunesmith.inputs.personal_words import Found
from tunesmith.lifecycle import classifying
from tunesmith.lifecycle.known import Known, Unavailable, Wanted

ROWS = [Record({"text": text, "label": "a"}) for text in ("ask Ada", "cancel it", "you fool \ud800")]


def value_of(made):
    try:
        while True:
            next(made)
    except StopIteration as end:
        return end.value


def known(**options):
    return Known(ROWS, Labelled(), Wanted(**options))


def test_without_a_classifier_names_are_not_looked_for_and_that_is_said():
    with pytest.raises(Unavailable, match="--names"):
        value_of(classifying.names(known()))
    with pytest.raises(Unavailable):
        value_of(classifying.toxicity(known()))


def test_names_of_each_row(monkeypatch):
    def finder(texts):
        return [[Found(4, 7, "PER", "name", 0.6)] if "Ada" in text else [] for text in texts]

    monkeypatch.setattr(entities, "opened", lambda folder: finder)
    found = value_of(classifying.names(known(names="folder")))
    assert list(found) == [frozenset({"name"}), frozenset(), frozenset()]


def model(labels):
    def predict_texts(texts):
        probs = [np.array([0.9, 0.1] if "fool" in text else [0.2, 0.8]) for text in texts]
        return [SimpleNamespace(labels=labels, probs=each) for each in probs]

    return SimpleNamespace(name="guard@1", predict_texts=predict_texts)


def test_toxicity_of_each_row(monkeypatch):
    monkeypatch.setattr(lifecycle, "open_model", lambda ref, home: model(("Toxic", "fine")))
    found = value_of(classifying.toxicity(known(toxicity="guard")))
    assert found.dtype == np.float32
    assert found.tolist() == pytest.approx([0.2, 0.2, 0.9])
    found = value_of(classifying.toxicity(known(toxicity="guard:fine")))
    assert found.tolist() == pytest.approx([0.8, 0.8, 0.1])


def test_a_model_whose_labels_say_nothing_is_refused(monkeypatch):
    monkeypatch.setattr(lifecycle, "open_model", lambda ref, home: model(("0", "1")))
    with pytest.raises(UsageError) as refusal:
        value_of(classifying.toxicity(known(toxicity="guard")))
    assert refusal.value.code == "P326"
