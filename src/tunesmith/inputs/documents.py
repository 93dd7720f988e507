"""Documents of a folder as passages that name their file and line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tunesmith.errors import DataError
from tunesmith.inputs.chunks import chunks
from tunesmith.inputs.encoding import is_binary, sniff_encoding

SUFFIXES = (".md", ".markdown", ".rst", ".txt")
SAMPLE = 1 << 16  # bytes by which the encoding is told


def passages(source: Path, *, size: int, overlap: int) -> list[tuple[str, str]]:
    """(text, 'file:line') of a file, or of every text file under a folder, by name.

    Hidden files and links that lead out of the folder are left out.  Raises DataError Q520 where nothing is found.
    """
    root = source if source.is_dir() else source.parent
    found = [
        (each.text, f"{path.relative_to(root).as_posix()}:{each.line}")
        for path in paths(source)
        for each in chunks(_text(path), size=size, overlap=overlap)
    ]
    if found:
        return found
    raise DataError(
        "Q520",
        f"no text is found in {source}" if source.exists() else f"{source} is not there",
        expected=f"a folder with files that end in {', '.join(SUFFIXES)}, or one such file",
        fixes=(
            "--set approach.documents=FOLDER",
            "--set approach.documents=''   (the training rows' answers)",
        ),
        where="approach.documents",
    )


def paths(source: Path) -> Iterator[Path]:
    """The text files of a folder, sorted; a file is its own list."""
    if source.is_file():
        yield source
        return
    root = source.resolve()
    for path in sorted(source.rglob("*")):
        hidden = any(step.startswith(".") for step in path.relative_to(source).parts)
        text = path.suffix.lower() in SUFFIXES and path.is_file()
        if text and not hidden and path.resolve().is_relative_to(root):
            yield path


def _text(path: Path) -> str:
    """What a file says; '' where it is no text after all.  Damaged letters become U+FFFD."""
    content = path.read_bytes()
    if is_binary(content[:SAMPLE]):
        return ""
    return content.decode(sniff_encoding(content[:SAMPLE])["encoding"], "replace").removeprefix("\ufeff")
