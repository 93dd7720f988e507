"""`sweep`: the best recipe of a space of recipes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from tunesmith.cli import options
from tunesmith.cli.console import put_result


def sweep(
    recipe: options.Recipe = "",
    over: Annotated[
        list[str] | None,
        typer.Option(
            "--over",
            metavar="KEY=VALUES",
            help="A key with a,b,c or low..high; train.peak_lr=probe finds its range; repeatable.",
        ),
    ] = None,
    space: Annotated[
        Path | None, typer.Option("--space", metavar="FILE", help="The same as TOML: KEY = [a, b].")
    ] = None,
    trials: Annotated[
        int, typer.Option("--trials", min=0, metavar="N", help="Points to try; 0: the whole grid, or 16.")
    ] = 0,
    sampler: Annotated[
        str,
        typer.Option(
            "--sampler", metavar="auto|grid|random|tpe", help="Who chooses points; auto: grid, or Optuna."
        ),
    ] = "auto",
    halving: Annotated[
        int,
        typer.Option("--halving", min=1, max=16, metavar="N", help="One of N goes on at each rung; 1: all."),
    ] = 3,
    budget: Annotated[
        str, typer.Option("--budget", metavar="TIME", help="Training that trials must fit: 90s, 10m, 1h.")
    ] = "",
    baseline: Annotated[
        bool, typer.Option("--baseline", help="Run the recipe's own values to the end too.")
    ] = False,
    sets: options.Sets = None,
    resume: options.Resume = "",
    home: options.Home = None,
    offline: options.Offline = False,
    json: options.Json = False,
) -> None:
    """The best recipe among many: weak ones end early, the best one runs to its end.

    \b
    tunesmith sweep recipe.toml --over train.peak_lr=1e-4,3e-4,1e-3
    tunesmith sweep recipe.toml --over train.peak_lr=1e-5..1e-3 --over tuning.rank=4,8,16
    tunesmith sweep recipe.toml --over train.peak_lr=probe --trials 8 --budget 10m
    """
    from tunesmith import library
    from tunesmith.cli import ending, usage
    from tunesmith.lifecycle import asking, sweeping

    options.go_offline(offline)
    chosen = usage.one_of("--sampler", sampler, asking.SAMPLERS)
    seconds = library.seconds(budget) if budget else 0.0
    result = ending.followed(
        lambda stop: sweeping.sweep(
            recipe or None,
            over=over or (),
            space=space,
            sampler=chosen,
            trials=trials,
            factor=halving,
            budget=seconds,
            baseline=baseline,
            overrides=sets or (),
            resume=resume,
            home=home,
            offline=offline,
            stop=stop,
        ),
        verb="sweep",
    )
    put_result(result.to_dict(), json, lines)


def lines(found: Mapping[str, Any]) -> list[str]:
    """The sweep for people: its trials, what matters, the winner and what it is compared with, what to do next."""
    from tunesmith.cli import tables

    winner = found["winner"]
    scores = ", ".join(
        f"{tables.title(name)} {tables.score(each)}"
        for name, each in {found["metric"]: winner["chosen_by"][found["metric"]], **winner["scores"]}.items()
    )
    said = [
        f"trial {winner['trial']}: {_point(winner['values'])}",
        f"{scores} on {found['rows']:,} validation rows",
        "It was chosen on these rows, so expect a little less on others; training proves it on the test rows.",
    ]
    return [
        *tables.titled("Trials", _trials(found)),
        *_important(found["importance"]),
        "",
        *tables.titled("Winner", tables.wrapped([*said, *map(_against, found["against"])])),
        "",
        *tables.titled("Recipe", [winner["recipe"]]),
        *tables.titled("Next", [found["train_command"]]),
    ]


def _trials(found: Mapping[str, Any]) -> list[str]:
    """Best first: those that came farthest, and of these the best score."""
    from tunesmith.cli import tables
    from tunesmith.cli.bar import duration

    known = sorted(found["trials"], key=lambda each: _standing(each, found))
    rows = [["", "values", "steps", f"{tables.title(found['metric'])} (95 % interval)", "time"]]
    for each in known:
        look = each["rungs"][-1] if each["rungs"] else None
        steps = f"{look['step']:,} of {look['steps']:,}" if look and look["steps"] else "all" if look else "–"
        score = tables.score(look["scores"].get(found["metric"])) if look else "–"
        said = f"failed: {each['failed']['code']}" if each["failed"] else score
        rows.append([str(each["trial"]), _point(each["values"]), steps, said, duration(each["seconds"])])
    return tables.table(rows, right=(0, 2, 4))


def _standing(trial: Mapping[str, Any], found: Mapping[str, Any]) -> tuple[bool, bool, int, float]:
    from tunesmith.evaluate import measure

    look = trial["rungs"][-1] if trial["rungs"] else {"rung": -1, "scores": {}}
    value = look["scores"].get(found["metric"], {}).get("value") or 0.0
    better = measure.metric(found["metric"]).better
    return trial["trial"] != found["winner"]["trial"], bool(trial["failed"]), -look["rung"], -better * value


def _important(found: Sequence[Mapping[str, Any]]) -> list[str]:
    from tunesmith.cli import tables

    said = [
        f"{each['key']}: {each['share']:.0%} of the spread (p = {each['p']:.2g}, n = {each['n']})"
        for each in found
    ]
    return ["", *tables.titled("Matters", tables.wrapped(said))] if said else []


def _point(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{key} {value}" for key, value in values.items())


def _against(each: Mapping[str, Any]) -> str:
    """What a paired comparison says, in a sentence."""
    from tunesmith.cli import tables

    told = {"better": "is better than", "worse": "is worse than", "cannot-tell": "can't be told from"}
    where = "" if each["at"] == 1 else f" after {each['at']:.0%} of the steps"
    low, high = (each[key] if each[key] is not None else float("nan") for key in ("low", "high"))
    return (
        f"It {told[each['outcome']]} {each['what']} (trial {each['trial']}){where}: {tables.title(each['metric'])} "
        f"{each['value']:+.3f} ({low:+.3f} to {high:+.3f}, n = {each['n']:,})."
    )
