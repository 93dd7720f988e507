"""What would fit on a machine: changes of the recipe, tried from the mildest on, the first that fits is said."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from tunesmith import catalog
from tunesmith.advise import cost, memory
from tunesmith.advise.cost import Probed
from tunesmith.advise.estimate import Question, dtype_on, length, plan, words
from tunesmith.advise.machines import Machine
from tunesmith.advise.room import USABLE
from tunesmith.findings import Finding, Fix
from tunesmith.recipe.sections import Part, Recipe
from tunesmith.recipe.setting import with_values


@dataclass(frozen=True, slots=True)
class Way:
    """A changed recipe.  sets: what to type to have it."""

    words: str
    recipe: Recipe
    sets: tuple[str, ...]


def ways(asked: Question, machine: Machine) -> Iterator[Way]:
    """The recipe as it is, then changes that save more and more memory, each on top of the one before."""
    way = Way("as it is", asked.recipe, ())
    yield way
    longest = max(asked.rows.lengths, default=1)
    mild: list[tuple[str, dict[str, Any]]] = [
        ("micro-batches of one row", {"train.micro_tokens": longest}),
        ("bfloat16", {"train.dtype": "bfloat16"}),
    ]
    if asked.recipe.train.checkpointing == "off":  # 'auto' has done so where it helps
        mild.append(("activations computed again", {"train.checkpointing": "on"}))
    for name, values in mild:
        if name == "bfloat16" and dtype_on(way.recipe, machine) == "bfloat16":
            continue
        way = _with(way, name, values)
        yield way
    if asked.recipe.tuning.name != "lora":
        yield _lora(Way("as it is", asked.recipe, ()))
        way = _lora(way)
        yield way
    if "bits" in catalog.part("tuning", "lora").model_fields:
        yield _with(way, "a base of 4 bits", {"tuning.bits": 4})


def _with(way: Way, name: str, values: dict[str, Any]) -> Way:
    said = name if way.words == "as it is" else f"{way.words}, {name}"
    sets = (*way.sets, *(f"--set {path}={_toml(value)}" for path, value in values.items()))
    return Way(said, with_values(way.recipe, values, by="advice"), sets)


def _toml(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _lora(way: Way) -> Way:
    said = "LoRA" if way.words == "as it is" else f"LoRA, {way.words}"
    recipe = way.recipe.model_copy(update={"tuning": Part(name="lora")})
    return Way(said, recipe, ("--set tuning.name=lora", *way.sets))


def on(asked: Question, machine: Machine, probed: Probed | None = None) -> dict[str, Any]:
    """What the recipe needs on a machine, whether that fits, what would, and time, energy and money of what fits.

    `fits`: as it is.  `way`: the first change that fits, None where nothing does.
    """
    room = machine.memory * USABLE[machine.kind]
    tried = [(way, plan(asked, machine, way.recipe)) for way in ways(asked, machine)]
    needs = [memory.peak(each) for _, each in tried]
    first = next((number for number, need in enumerate(needs) if need <= room), None)
    found: dict[str, Any] = {
        "machine": machine.name,
        "kind": machine.kind,
        "memory_bytes": round(machine.memory),
        "needs_bytes": round(needs[0]),
        "fits": first == 0,
        "least_bytes": round(min(needs)),
        "way": None,
        "cost": None,
    }
    if first is None:
        return found
    way, chosen = tried[first]
    found["way"] = {"words": way.words, "sets": list(way.sets), "needs_bytes": round(needs[first])}
    found["cost"] = cost.spent(machine, cost.seconds(chosen, length(asked, way.recipe), machine, probed))
    return found


def no_room(asked: Question, found: Sequence[dict[str, Any]]) -> list[Finding]:
    """A finding for each machine here on which the recipe does not fit: what would, or how large a base may be."""
    return [_finding(asked, each) for each in found if not each["fits"]]


def _finding(asked: Question, each: dict[str, Any]) -> Finding:
    need, room = each["needs_bytes"] / 1e9, each["memory_bytes"] / 1e9
    said = f"the run needs about {need:.1f} GB; {each['machine']} has {room:.1f} GB"
    numbers = {"needs_bytes": each["needs_bytes"], "memory_bytes": each["memory_bytes"]}
    if each["way"]:
        fix = Fix(
            " ".join(each["way"]["sets"]),
            f"{each['way']['words']}: {each['way']['needs_bytes'] / 1e9:.1f} GB",
        )
        return Finding("A902", "warning", said, numbers=numbers, fix=fix)
    share = each["memory_bytes"] * USABLE[each["kind"]] / each["least_bytes"]
    smaller = Fix(
        f"--base a base of about {words(asked.shape.parameters * share)} parameters", "a smaller base"
    )
    return Finding("A902", "error", f"{said}, and no change of the recipe fits", numbers=numbers, fix=smaller)
