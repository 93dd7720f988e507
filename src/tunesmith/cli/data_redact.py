"""Commands on personal data: redact, restore with the key, forget."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from tunesmith.cli import options
from tunesmith.cli.data import columns, finish


def redact(
    data: options.Ref,
    kinds: Annotated[
        list[str] | None,
        typer.Option(
            "--kinds", metavar="KIND", help="email, phone, card …; repeatable or with commas; else all."
        ),
    ] = None,
    key: Annotated[
        str, typer.Option("--key", metavar="FILE", help="Keeps what is needed to restore; guard it.")
    ] = "",
    names: options.Names = "",
    licence: options.Licence = "",
    form: options.Form = "",
    field: options.Columns = None,
    home: options.Home = None,
    json: options.Json = False,
) -> None:
    """Replace personal data and secrets by pseudonyms, as a new version; without --key nothing can bring them back.

    \b
    tunesmith data redact tickets.csv --kinds email,phone
    tunesmith data redact tickets.csv --key ~/keys/tickets.json
    """
    from tunesmith.lifecycle import redacting

    wanted = [kind.strip() for each in kinds or () for kind in each.split(",") if kind.strip()]
    given = {"kinds": wanted, "key": key, "names": names, "form": form, "licence": licence, "home": home}
    finish(lambda known: redacting.redact(data, fields=known, **given), columns(field), json, _redacted)


def restore(
    data: options.Ref,
    key: Annotated[str, typer.Option("--key", metavar="FILE", help="The key file of the redaction.")],
    home: options.Home = None,
    json: options.Json = False,
) -> None:
    """Put the values of a key file back in place of their pseudonyms, as a new version."""
    from tunesmith.lifecycle import redacting

    finish(lambda _: redacting.restore(data, key=key, home=home), {}, json, _restored)


def forget(
    data: Annotated[
        list[str], typer.Argument(metavar="VERSION…", help="tickets@1, or the start of a digest.")
    ],
    home: options.Home = None,
    json: options.Json = False,
) -> None:
    """Remove the rows of versions for good; that they existed stays noted."""
    from tunesmith.lifecycle import forgetting

    finish(lambda _: forgetting.forget(data, home=home), {}, json, _forgotten)


def _redacted(value: Mapping[str, Any]) -> list[str]:
    if not value["replaced"]:
        return [f"{value['version']}: nothing was found in {value['rows']:,} rows; nothing was replaced"]
    counts = ", ".join(f"{count:,} {group}" for group, count in value["replaced"].items())
    lines = [f"{value['version']}: {counts} in {value['changed']:,} of {value['rows']:,} rows"]
    if value["key"]:
        lines.append(f"back: tunesmith data restore {value['version']} --key {value['key']}")
    return lines


def _restored(value: Mapping[str, Any]) -> list[str]:
    return [f"{value['version']}: {value['restored']:,} values stand again in {value['rows']:,} rows"]


def _forgotten(value: Mapping[str, Any]) -> list[str]:
    gone = [f"forgotten: {', '.join(digest[:12] for digest in value['forgotten'])}"]
    return [*gone, *(f"{name} is {ref} again" for name, ref in value["moved"].items() if ref)]
