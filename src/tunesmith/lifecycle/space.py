"""What a sweep varies: keys of the recipe, each with a list of values or with a range."""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import tomli_w

from tunesmith.errors import MissingError, UsageError

RATE, PROBE = "train.peak_lr", "probe"
DECADE = 10.0  # a range over this factor is drawn by its logarithm
DIGITS = 3  # that count of a number drawn from a range
_NUMBER = r"[-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?"
_RANGE = re.compile(rf"\s*({_NUMBER})\s*\.\.\s*({_NUMBER})\s*(?::\s*(log|linear))?\s*")


@dataclass(frozen=True)
class Axis:
    """One key.  values: the list; where it is empty, every number from low to high.

    log: drawn by the logarithm.  whole: whole numbers only.
    """

    key: str
    values: tuple[Any, ...] = ()
    low: float = 0.0
    high: float = 0.0
    log: bool = False
    whole: bool = False

    @property
    def probed(self) -> bool:
        """Whether its range is to be found on the training rows."""
        return self.values == (PROBE,) and self.key == RATE

    @property
    def ends(self) -> tuple[Any, ...]:
        """The values, or the two ends of the range."""
        return self.values or (self.low, self.high)

    def at(self, share: float) -> Any:
        """The value at a share (0 to 1) of the axis."""
        if self.values:
            return self.values[min(int(share * len(self.values)), len(self.values) - 1)]
        if self.log:
            value = math.exp(math.log(self.low) + share * (math.log(self.high) - math.log(self.low)))
        else:
            value = self.low + share * (self.high - self.low)
        return round(value) if self.whole else self.rounded(value)

    def rounded(self, value: float) -> float:
        """A number with few digits, within the range."""
        return min(max(float(f"{value:.{DIGITS}g}"), self.low), self.high)

    def to_json(self) -> dict[str, Any]:
        """One JSON object; `from_json` reads it."""
        return {**asdict(self), "values": list(self.values)}

    @staticmethod
    def from_json(value: Mapping[str, Any]) -> Axis:
        """The inverse of `to_json`."""
        return Axis(**{**value, "values": tuple(value["values"])})


def axes(over: Sequence[str], path: Path | None = None) -> list[Axis]:
    """The axes of 'KEY=a,b,c', 'KEY=low..high' and of a TOML file; what is said twice holds as it was said last.

    Raises UsageError C180 (not readable), C181 (an empty range or list), C183 (nothing varies),
    MissingError C107 (no such file).
    """
    found = {axis.key: axis for axis in [*(_of_file(path) if path else ()), *map(_of_option, over)]}
    if not found:
        raise UsageError(
            "C183",
            "nothing varies: no key of the recipe has more than one value",
            expected="--over KEY=VALUES, or --space FILE",
            fixes=("--over train.peak_lr=1e-4,3e-4,1e-3", "--over train.peak_lr=1e-5..1e-3"),
            where="--over",
        )
    return list(found.values())


def written(key: str, value: Any) -> str:
    """A list, or a range as a pair in a tuple, as it stands behind --over."""
    if isinstance(value, tuple) and len(value) == 2:
        return f"{key}={value[0]}..{value[1]}"
    values = value if isinstance(value, Sequence) and not isinstance(value, str) else [value]
    return f"{key}={', '.join(tomli_w.dumps({'v': each}).partition('=')[2].strip() for each in values)}"


def _of_option(text: str) -> Axis:
    key, sign, value = text.partition("=")
    if not (sign and key.strip() and value.strip()):
        raise _unreadable(text, "it is not KEY=VALUES", "--over")
    key = key.strip()
    if drawn := _RANGE.fullmatch(value):
        return _range(key, _number(drawn[1]), _number(drawn[2]), drawn[3], where=f"--over {key}")
    return _list(key, _values(value), where=f"--over {key}")


def _number(text: str) -> int | float:
    return int(text) if re.fullmatch(r"[-+]?\d+", text) else float(text)


def _values(text: str) -> list[Any]:
    try:
        return tomllib.loads(f"values = [{text}]")["values"]
    except tomllib.TOMLDecodeError:  # words without quotes
        return [_value(each.strip()) for each in text.split(",")]


def _value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _of_file(path: Path) -> Iterator[Axis]:
    try:
        tables = tomllib.loads(path.read_bytes().decode("utf-8-sig"))
    except OSError:
        raise MissingError(
            "C107",
            f"there is no file {path}",
            expected="a TOML file of keys with their values",
            fixes=("--over train.peak_lr=1e-5..1e-3",),
            where=str(path),
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as mistake:
        raise _unreadable(path.name, f"this is not TOML: {mistake}", str(path)) from None
    yield from _of_table(tables, "", str(path))


def _of_table(table: Mapping[str, Any], prefix: str, where: str) -> Iterator[Axis]:
    for name, value in table.items():
        key = f"{prefix}{name}"
        if isinstance(value, Mapping) and "low" not in value:
            yield from _of_table(value, f"{key}.", where)
        elif isinstance(value, Mapping):
            yield _of_range(key, value, where)
        elif isinstance(value, list) or (key, value) == (RATE, PROBE):
            yield _list(key, value if isinstance(value, list) else [value], where=f"{where}: {key}")
        else:
            raise _unreadable(f"{key} = {value!r}", "it is neither a list nor a range", where)


def _of_range(key: str, value: Mapping[str, Any], where: str) -> Axis:
    numbers = [value.get("low"), value.get("high")]
    sound = all(isinstance(each, int | float) and not isinstance(each, bool) for each in numbers)
    if not sound or set(value) - {"low", "high", "log"} or not isinstance(value.get("log", True), bool):
        raise _unreadable(f"{key} = {dict(value)}", "it is not {low = NUMBER, high = NUMBER, log = …}", where)
    kind = {None: None, True: "log", False: "linear"}[value.get("log")]
    low, high = value["low"], value["high"]
    return _range(key, low, high, kind, where=f"{where}: {key}")


def _range(key: str, low: float, high: float, kind: str | None, *, where: str) -> Axis:
    sound = math.isfinite(low) and math.isfinite(high) and low < high
    if not sound or (kind == "log" and low <= 0):
        raise UsageError(
            "C181",
            f"the range of {key} from {low:g} to {high:g} holds nothing to draw from",
            expected="low < high; by the logarithm also low > 0",
            fixes=(f"--over {key}={min(low, high):g}..{max(low, high):g}",),
            where=where,
        )
    log = kind == "log" or (kind is None and low > 0 and high >= DECADE * low)
    return Axis(key, (), low, high, log, isinstance(low, int) and isinstance(high, int))


def _list(key: str, values: Sequence[Any], *, where: str) -> Axis:
    known = tuple(value for n, value in enumerate(values) if value not in values[:n])
    if not known:
        raise UsageError(
            "C181",
            f"the list of {key} is empty",
            expected="at least one value",
            fixes=(f"--over {key}=A,B",),
            where=where,
        )
    return Axis(key, known)


def _unreadable(text: str, why: str, where: str) -> UsageError:
    return UsageError(
        "C180",
        f"{text}: {why}",
        expected="KEY=a,b,c or KEY=low..high; in a file KEY = [a, b] or KEY = {low = 1e-5, high = 1e-3}",
        fixes=("--over train.peak_lr=1e-5..1e-3", "--over tuning.rank=4,8,16"),
        where=where,
    )
