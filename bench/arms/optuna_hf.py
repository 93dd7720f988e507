"""The Trainer of transformers with peft's LoRA over a grid of configurations: all to their end, or pruned by Optuna.

options: space (rates, ranks, batches), pruner ('' for every configuration to its end, 'median', 'hyperband'), alpha,
grouped, pooling, attention and autocast as in hf_classify.py.  The base, the rows and their tokens are read once; each
configuration begins from the same copy of the weights.  The configuration with the best macro-F1 on the validation
rows (task["validation"]) after its last epoch wins; its weights are what is saved.
"""

from __future__ import annotations

import copy
import importlib
import itertools
from pathlib import Path
from typing import Any

import _classify
import _common

clock, task = _common.peer()

import numpy as np  # noqa: E402
import torch  # noqa: E402
import transformers  # noqa: E402
from sklearn.metrics import f1_score  # noqa: E402
from transformers import Trainer, TrainerCallback, TrainingArguments  # noqa: E402

torch.set_num_threads(task["threads"])
options = task["options"]
optuna: Any = importlib.import_module("optuna") if options.get("pruner") else None
clock.ends("import")

import _hf_nets  # noqa: E402

ids, columns = _common.rows(task["tokens"])
data = _hf_nets.Rows(ids, columns["labels"])
looked = _common.rows(task["validation"])
shown = _hf_nets.Rows(looked[0], looked[1]["labels"])
clock.ends("prepare")
pristine = _hf_nets.network(task["weights"], int(columns["labels"].max()) + 1, options)
clock.ends("load")
space = options["space"]
grid = list(itertools.product(space["rates"], space["ranks"], space["batches"]))
best: dict[str, Any] = {"score": -1.0}
said: list[dict[str, Any]] = []


class Report(TrainerCallback):
    """Tells Optuna the score of each epoch; ends a trial that it gives up."""

    def __init__(self, trial: Any) -> None:
        self.trial = trial

    def on_evaluate(self, args: Any, state: Any, control: Any, metrics: Any = None, **_: Any) -> None:
        """Raises TrialPruned."""
        self.trial.report(metrics["eval_macro_f1"], round(state.epoch))
        if state.global_step < state.max_steps and self.trial.should_prune():
            said.append({**said.pop(), "updates": state.global_step, "pruned": True})
            raise optuna.TrialPruned


def score(given: Any) -> dict[str, float]:
    """Macro-F1 as the Trainer wants it."""
    return {"macro_f1": float(f1_score(given.label_ids, given.predictions.argmax(-1), average="macro"))}


def fitted(place: int, trial: Any = None) -> float:
    """The score of one configuration after its last epoch."""
    rate, rank, batch = grid[place]
    transformers.set_seed(task["seed"])
    net = _hf_nets.with_lora(copy.deepcopy(pristine), rank, options.get("alpha", 32))
    before = _common.trained(net)
    said.append({"rate": rate, "rank": rank, "batch": batch})
    trainer = Trainer(
        model=net,
        args=TrainingArguments(
            **_common.trainer_arguments({**task, "rate": rate}),
            per_device_train_batch_size=batch,
            per_device_eval_batch_size=128,
            bf16=bool(options.get("autocast")),
            train_sampling_strategy="group_by_length" if options.get("grouped") else "random",
            label_names=["labels"],
            logging_steps=100_000,
            eval_strategy="epoch" if trial is not None else "no",
            remove_unused_columns=False,
        ),
        train_dataset=data,
        eval_dataset=shown,
        data_collator=_hf_nets.collate,
        compute_metrics=score,
        callbacks=[Report(trial)] if trial is not None else [],
    )
    done = trainer.train()
    found = _last(trainer) if trial is not None else trainer.evaluate()["eval_macro_f1"]
    said.append({**said.pop(), "updates": done.global_step, "score": found})
    if found > best["score"]:
        seen = next(each for each in trainer.state.log_history if "grad_norm" in each)
        loss = {
            "first_loss": seen["loss"],
            "last_loss": done.training_loss,
            "gradient_norm": seen["grad_norm"],
        }
        best.update(net=net, before=before, score=found, place=place, **loss)
    return found


def _last(trainer: Any) -> float:
    return [each["eval_macro_f1"] for each in trainer.state.log_history if "eval_macro_f1" in each][-1]


def searched() -> None:
    """Optuna over the whole grid, in its own order."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    epochs = int(task["epochs"])
    kinds: dict[str, Any] = {
        "median": lambda: optuna.pruners.MedianPruner(n_startup_trials=3, n_warmup_steps=0),
        "hyperband": lambda: optuna.pruners.HyperbandPruner(1, epochs, reduction_factor=3),
    }
    places = {"place": list(range(len(grid)))}
    study = optuna.create_study(
        direction="maximize",
        sampler=optuna.samplers.GridSampler(places, seed=task["seed"]),
        pruner=kinds[options["pruner"]](),
    )
    study.optimize(
        lambda trial: fitted(trial.suggest_categorical("place", places["place"]), trial), len(grid)
    )


if options.get("pruner"):
    searched()
else:
    for number in range(len(grid)):
        fitted(number)
clock.ends("train")
_classify.save(Path(task["out"]), *_hf_nets.parts(best["net"]))
clock.say(
    **_common.told(ids),
    updates=sum(each["updates"] for each in said),
    **{name: best[name] for name in ("first_loss", "last_loss", "gradient_norm")},
    moved=_common.moved(best["before"], _common.trained(best["net"])),
    winner=dict(zip(("rate", "rank", "batch"), grid[best["place"]], strict=True)),
    own_score=best["score"],
    trials=said,
    dtype="bfloat16" if options.get("autocast") else "float32",
    scored_on=int(np.size(looked[1]["labels"])),
)
