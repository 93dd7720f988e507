"""What the verbs give back: values that show themselves on a terminal, in a notebook and as JSON."""

from __future__ import annotations

import html
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Result:
    """A verb's result.  values: the object that `--json` prints, and that `to_dict` gives."""

    values: Mapping[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """The result as plain JSON values."""
        return dict(self.values)

    def __getitem__(self, key: str) -> Any:
        return self.values[key]

    def show(self) -> str:
        """The result as lines for people."""
        return "\n".join(f"{key}  {_short(value)}" for key, value in self.values.items())

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><th style='text-align:left'>{html.escape(key)}</th><td>{html.escape(_short(value))}</td></tr>"
            for key, value in self.values.items()
        )
        return f"<table>{rows}</table>"


@dataclass(frozen=True)
class ModelResult(Result):
    """The result of `up` and `train`: a proven, registered model.  server: the process that serves it, or None."""

    server: subprocess.Popen[str] | None = field(default=None, compare=False)

    @property
    def report(self) -> Path:
        """The page to look at."""
        return Path(self.values["report"])

    def show(self) -> str:
        """The verdict and what to do next."""
        lines = [self.values["verdict"]["sentence"], "", f"model    {self.values['model']}"]
        lines += [f"report   {self.values['report']}", f"serve    {self.values['serve_command']}"]
        return "\n".join(
            lines + ([f"endpoint {self.values['endpoint']}"] if self.values.get("endpoint") else [])
        )

    def load(self) -> Any:
        """The model itself, ready to predict."""
        from tunesmith.model import Model

        return Model.load(self.values["bundle"], name=self.values["model"])

    def _repr_html_(self) -> str:
        verdict = self.values["verdict"]
        rungs = "".join(_rung(rung, self.values["metrics"][0]) for rung in self.values["ladder"])
        return (
            f"<h4>{html.escape(self.values['model'])}: {html.escape(verdict['outcome'])}</h4>"
            f"<p>{html.escape(verdict['sentence'])}</p>"
            f"<table><tr><th>rung</th><th>{html.escape(self.values['metrics'][0])} on validation rows</th>"
            f"<th>seconds</th></tr>{rungs}</table>"
            f"<p><code>{html.escape(self.values['report'])}</code></p>"
        )


def _rung(rung: Mapping[str, Any], metric: str) -> str:
    score = rung["scores"].get(metric)
    text = (
        f"{score['value']:.3f} ({score['low']:.3f}–{score['high']:.3f})" if score else rung["skipped"] or ""
    )
    return f"<tr><td>{html.escape(rung['detail'])}</td><td>{html.escape(text)}</td><td>{rung['seconds']:.1f}</td></tr>"


def _short(value: Any) -> str:
    if isinstance(value, Mapping) and "value" in value:
        low, high = value.get("low"), value.get("high")
        return f"{_number(value['value'])} ({_number(low)}–{_number(high)}, n = {value.get('n')})"
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {_short(item)}" for key, item in value.items())
    if isinstance(value, (list, tuple)):
        return (
            f"{len(value)} entries" if value and isinstance(value[0], Mapping) else ", ".join(map(str, value))
        )
    return str(value)


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"
