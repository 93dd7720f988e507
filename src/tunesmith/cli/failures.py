"""Every way to fail, told the same way: error[CODE], where, expected, fix; never a bare traceback."""

from __future__ import annotations

import contextlib
import errno
import functools
import io
import json
import os
import sys
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import typer

from tunesmith.cli import usage
from tunesmith.cli.console import finite, tell
from tunesmith.cli.retyped import retyped
from tunesmith.errors import CapacityError, Interrupted, TunesmithError

COMPLETION = "_TUNESMITH_COMPLETE"  # the shell's own variable, as typer names it
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EFBIG}
debug = False


class _Gone(Exception):
    """Whoever read our output reads no more."""


def verb(command: Callable[..., Any]) -> Callable[..., Any]:
    """A command as typer may call it: what typer would swallow (Ctrl-C, a closed pipe) reaches `guarded`."""

    @functools.wraps(command)
    def called(*args: Any, **kwargs: Any) -> Any:
        try:
            code = command(*args, **kwargs)
            sys.stdout.flush()
        except BrokenPipeError:
            raise _Gone from None
        except KeyboardInterrupt:
            raise Interrupted("R130", "interrupted") from None
        return code

    return called


def guarded(make: Callable[[], Any], arguments: Sequence[str]) -> int:
    """Make the command, run it, tell what goes wrong; return the exit code."""
    _robust_streams()
    as_json = "--json" in arguments
    try:
        return _run(make(), list(arguments))
    except typer.Exit as end:
        return end.exit_code
    except TunesmithError as error:
        return _told(retyped(error, arguments), as_json)
    except _Gone:
        _silence()
        return 0
    except KeyboardInterrupt:
        return 130
    except usage.Refused as refused:
        return usage.show_help(refused) or _told(usage.translated(refused), as_json)
    except OSError as error:
        full = error.errno in _FULL and not error.filename
        return _told(_from_system(error), as_json) if full else _crashed(error, arguments)
    except Exception as error:  # noqa: BLE001 - the last resort: it is told as our bug, and saved
        return _crashed(error, arguments)


def _run(command: Any, arguments: list[str]) -> int:
    if COMPLETION in os.environ:
        return command.main(arguments, prog_name="tunesmith")
    with command.make_context("tunesmith", arguments) as context:
        code = command.invoke(context)
    sys.stdout.flush()
    return code if isinstance(code, int) else 0


def _robust_streams() -> None:
    """Characters that a locale can't show are escaped instead of raised."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _told(error: TunesmithError, as_json: bool) -> int:
    """The error on stderr, as lines or as one JSON object; its exit code."""
    with contextlib.suppress(OSError, ValueError):
        sys.stdout.flush()
    if as_json:
        sys.stderr.write(json.dumps({"error": finite(error.to_json())}) + "\n")
    else:
        for line in lines(error):
            tell(line)
    return error.exit_code


def lines(error: TunesmithError) -> list[str]:
    """An error for people: what was found, where, what was expected, and ways out as commands."""
    said = [f"error[{error.code}] {error.found}"]
    said += [f"  where     {error.where}"] if error.where else []
    said += [f"  expected  {error.expected}"] if error.expected else []
    said += [f"  fix       {fix}" for fix in error.fixes]
    return [*said, f"  more      tunesmith explain {error.code}"]


def _crashed(error: Exception, arguments: Sequence[str]) -> int:
    """X000: our own bug; its traceback is saved (or shown, with --debug), never thrown at the user."""
    import traceback

    story = "".join(traceback.format_exception(error))
    if debug:
        sys.stderr.write(story)
    saved = _saved(story, arguments)
    ours = TunesmithError(
        "X000",
        f"this is our bug: {type(error).__name__}: {str(error)[:300]}",
        expected=f"nothing of you; the traceback is in {saved}" if saved else "nothing of you",
        fixes=("report it with that file" if saved else "tunesmith --debug …   (shows the traceback)",),
        where=saved,
    )
    return _told(ours, "--json" in arguments)


def _saved(story: str, arguments: Sequence[str]) -> str:
    """Write a crash report below the home folder; its path, or '' where nothing can be written."""
    try:
        import secrets
        import shlex
        import time

        from tunesmith import machine
        from tunesmith.home import home_folder
        from tunesmith.store import files

        given = next((one for word, one in pairwise(arguments) if word == "--home"), None)
        path = home_folder(given) / "crashes" / f"{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(2)}.txt"
        about = "\n".join(f"{name} {version}" for name, version in machine.versions().items())
        files.write(path, f"{shlex.join(arguments)}\n{about}\n\n{story}".encode("utf-8", "backslashreplace"))
    except Exception:  # noqa: BLE001 - the crash is told all the same
        return ""
    return str(path)


def _from_system(error: OSError) -> TunesmithError:
    """What the operating system says when stdout can't be written."""
    _silence()
    return CapacityError(
        "R601",
        f"can't write the output: {error.strerror or error}",
        expected="room where standard output goes",
        fixes=("df -h .",),
        where="standard output",
    )


def _silence() -> None:
    """Nothing more goes to stdout: also not what Python flushes when it ends."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
