"""Where a key stands in a TOML text, so that an error can name the line."""

from __future__ import annotations

import re

_HEADER = re.compile(r"\s*\[\[?\s*([^\[\]]+?)\s*\]\]?\s*(#.*)?$")
_ASSIGNMENT = re.compile(
    r"""\s*((?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*'))*)\s*="""
)
_STEP = re.compile(r"""[A-Za-z0-9_-]+|"[^"]*"|'[^']*'""")
_FENCE = re.compile(r'"""|' + r"'''")


class Places:
    """Lines of the keys of one text; keys of an inline table share the line on which it begins."""

    def __init__(self, text: str, where: str) -> None:
        self._where, self._lines, self._overrides = where, _lines(text), set[str]()

    def override(self, path: str) -> None:
        """Remember that a path was set from the command line: its place is then `--set PATH`."""
        self._overrides.add(path)

    def of(self, path: str) -> str:
        """`file:line` of a dotted path, of the nearest section around it, or just the file."""
        steps = path.split(".")
        prefixes = [".".join(steps[:count]) for count in range(len(steps), 0, -1)]
        for prefix in prefixes:
            if prefix in self._overrides:
                return f"--set {prefix}"
            if prefix in self._lines:
                return f"{self._where}:{self._lines[prefix]}"
        return self._where


def _lines(text: str) -> dict[str, int]:
    found: dict[str, int] = {}
    section, fence = "", ""
    for number, line in enumerate(text.split("\n"), 1):
        if not fence:
            section = _note(line, section, number, found)
        fence = _fence_after(line, fence)
    return found


def _note(line: str, section: str, number: int, found: dict[str, int]) -> str:
    if header := _HEADER.match(line):
        section = _path(header[1])
        found.setdefault(section, number)
    elif assignment := _ASSIGNMENT.match(line):
        path = _path(assignment[1])
        found.setdefault(f"{section}.{path}" if section else path, number)
    return section


def _path(key: str) -> str:
    return ".".join(step.strip("\"'") for step in _STEP.findall(key))


def _fence_after(line: str, fence: str) -> str:
    """The triple quote that is still open after a line, or ''."""
    for quotes in _FENCE.findall(line):
        fence = "" if quotes == fence else fence or quotes
    return fence
