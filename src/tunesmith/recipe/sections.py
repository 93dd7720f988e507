"""The recipe: the complete, typed description of one life of a model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field, model_serializer, model_validator

from tunesmith.section import Section


class Part(Section):
    """The section of a part: its `name` (a file in the folder of its kind) and that part's own fields."""

    name: str
    options: Mapping[str, Any] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _gather(cls, value: Any) -> Any:
        if isinstance(value, str):
            return {"name": value}
        if isinstance(value, Mapping) and "options" not in value:
            return {"name": value.get("name"), "options": {k: v for k, v in value.items() if k != "name"}}
        return value

    @model_serializer
    def _flat(self) -> dict[str, Any]:
        return {"name": self.name, **self.options}


class Split(Section):
    """Shares of the rows that are held out; with a test file `test` is not used."""

    validation: float = Field(default=0.15, ge=0, lt=0.9, description="share of rows to choose and stop by")
    test: float = Field(default=0.15, ge=0, lt=0.9, description="share of rows for the proof, touched once")


class Data(Section):
    """Where the rows come from and how they are read."""

    source: str = Field(description="a file: CSV, TSV, JSONL (also .gz), Parquet or XLSX")
    form: str = Field(default="", description="how its rows hold their content; '' is found out")
    fields: Mapping[str, str] = Field(
        default_factory=dict, description="field of the form = column of the file"
    )
    test: str = Field(default="", description="a file of its own for the proof")
    split: Split = Split()
    max_broken: float = Field(
        default=0.01, ge=0, le=1, description="share of broken rows above which nothing is trained"
    )
    ignore: Mapping[str, str] = Field(
        default_factory=dict,
        description="code of a finding = why it does not matter: it stops nothing, no fix is applied",
    )


class Train(Section):
    """How a network is trained; `None` and 'auto' are decided when the run starts, and written down."""

    epochs: float = Field(default=6, gt=0, description="passes over the training rows")
    batch_size: int = Field(default=32, ge=1, description="rows of one optimiser step")
    micro_tokens: int = Field(
        default=0,
        ge=0,
        description="padded tokens of a step that are computed together, to save memory; 0: all of them",
    )
    peak_lr: float | None = Field(
        default=None, gt=0, description="highest learning rate; by default the tuning's own"
    )
    warmup: float = Field(
        default=0.1, ge=0, lt=1, description="share of steps in which the learning rate rises"
    )
    weight_decay: float = Field(
        default=0.01, ge=0, description="decoupled weight decay (not on biases and norms)"
    )
    clip: float = Field(default=1.0, gt=0, description="largest gradient norm")
    dropout: float = Field(default=0.1, ge=0, lt=1, description="dropout in the network and before the head")
    patience: int = Field(
        default=3, ge=0, description="evaluations without a gain before training stops; 0: never"
    )
    evaluations: int = Field(default=1, ge=1, description="evaluations on the validation rows in each epoch")
    save_steps: int = Field(default=200, ge=1, description="optimiser steps between checkpoints")
    window: int = Field(
        default=50, ge=1, description="batches in a shuffled window that is sorted by length; 1: no sorting"
    )
    checkpointing: Literal["auto", "on", "off"] = Field(
        default="auto",
        description="compute activations again instead of keeping them: less memory, a third more time; auto: where "
        "they would not fit",
    )
    reuse: Literal["auto", "on", "off"] = Field(
        default="auto",
        description="layers below the lowest one that moves: computed once for each text, without dropout, and kept on "
        "disk; auto: where there are some, and more epochs than one; off: computed each time, with dropout",
    )
    dtype: Literal["auto", "float32", "bfloat16", "int8"] = Field(
        default="auto",
        description="arithmetic of matrix products; int8: float32, but frozen layers in 8 bits, for processors that "
        "multiply these fast",
    )
    products: Literal["auto", "blas", "onednn"] = Field(
        default="auto",
        description="library of a CPU's float32 matrix products; auto: oneDNN where it is clearly faster and as exact",
    )
    kernels: Literal["auto", "own", "torch"] = Field(
        default="auto",
        description="who computes passes over activations on a CPU; own: a library of ours, compiled here once by the "
        "machine's C compiler; auto: own where that can be",
    )
    compile: Literal["off", "on"] = Field(
        default="off",
        description="compile the layers with torch.compile: seconds at the first step for faster ones; for long runs "
        "on a GPU (on a CPU it seldom pays)",
    )
    device: Literal["auto", "cpu", "cuda"] = Field(
        default="auto", description="where networks are trained; auto: on a GPU where torch can use one"
    )
    threads: int = Field(
        default=0, ge=0, description="CPU threads; 0: OMP_NUM_THREADS, else the physical cores"
    )
    seed: int = Field(default=0, ge=0, description="seed of order, dropout and initial weights")


class General(Section):
    """Text that is no part of the data: what a model knew before and should keep."""

    source: str = Field(default="", description="a file of texts; '' lets the base write them")
    rows: int = Field(
        default=200,
        ge=1,
        description="texts on which forgetting is measured; a regularizer learns from as many others",
    )
    abilities: Mapping[str, str] = Field(
        default_factory=dict, description="name = a file of rows of the task, measured before and after"
    )


class Gate(Section):
    """What a model must reach before it may be promoted: metric = ">= 0.85" (or "<= …"), and not_worse_than."""

    model_config = Section.model_config | {"extra": "allow"}
    not_worse_than: str = Field(default="", description="'production', or a model, on the same test rows")


class Serve(Section):
    """How the model answers."""

    target_error: float | None = Field(
        default=None,
        gt=0,
        lt=1,
        description="error rate among answered rows that sets the abstain threshold; default: half",
    )
    max_batch: int = Field(default=32, ge=1, description="texts that are computed together")
    max_queue: int = Field(
        default=256, ge=1, description="texts that may wait before a request is refused (429)"
    )


class Recipe(Section):
    """One life.  `decided` says who chose a value: you, advice or probe; what is not listed is a default."""

    task: Part = Part(name="text-classification")
    base: str = Field(default="minilm", description="a known name, a local folder, or a hub id")
    parent: str = Field(default="", description="the model version that this one follows")
    data: Data
    approach: Part = Part(name="tune")
    tuning: Part = Part(name="full")
    objective: Part = Part(name="supervised")
    regularizer: Part = Part(name="none")
    train: Train = Train()
    general: General = General()
    gate: Gate = Gate()
    serve: Serve = Serve()
    decided: Mapping[str, str] = Field(default_factory=dict)
