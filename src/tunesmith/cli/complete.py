"""What the shell offers behind a command: names of models and ids of runs."""

from __future__ import annotations


def models(incomplete: str) -> list[str]:
    """Registered models that begin so, by name and by version."""
    try:
        from tunesmith.lifecycle import desk

        known = desk.models()
    except Exception:  # noqa: BLE001 - a completion that fails offers nothing
        return []
    names = dict.fromkeys(name for version in known for name in (version["name"], version["ref"]))
    return [name for name in names if name.startswith(incomplete)]


def runs(incomplete: str) -> list[str]:
    """Ids of runs that begin so, newest first."""
    from tunesmith.home import home_folder

    found = sorted((path.name for path in (home_folder() / "runs").glob("[0-9]*")), reverse=True)
    return [name for name in found if name.startswith(incomplete)]
