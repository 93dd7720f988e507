"""Arrow IPC files and streams, also Feather: what `datasets` keeps in its cache."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

from tunesmith.errors import DataError
from tunesmith.fields import Broken, Record
from tunesmith.inputs.arrowvalues import batch_rows
from tunesmith.inputs.streams import damaged, denied
from tunesmith.parts import Dialect, Reader

_FILE = b"ARROW1"


class Arrow(Reader):
    """A place's line is the row number, from 1.  Values become JSON values as those of Parquet do."""

    suffixes: ClassVar[tuple[str, ...]] = (".arrow", ".feather", ".ipc", ".arrows")
    marks: ClassVar[tuple[bytes, ...]] = (_FILE,)

    def sniff(self, path: Path) -> Dialect:
        """Raises F004 (damaged), F006 (not readable), F007 (no columns, or two of one name)."""
        with _batches(path) as (schema, _):
            names = tuple(schema.names)
        if names and len(set(names)) == len(names):
            return Dialect(names)
        raise DataError(
            "F007",
            f"{path.name} has " + ("two columns of one name" if names else "no columns"),
            expected="columns with different names",
            fixes=("write the file again with other column names",),
            where=str(path),
        )

    def read(self, path: Path, dialect: Dialect) -> Iterator[Record | Broken]:
        """Raises F004 where the file is damaged."""
        number = 0
        with _batches(path) as (_, batches):
            for batch in batches:
                yield from batch_rows(batch, str(path), number, dialect.columns)
                number += batch.num_rows


@contextlib.contextmanager
def _batches(path: Path) -> Iterator[tuple[Any, Iterator[Any]]]:
    """(schema, record batches): of a file, which can be entered anywhere, or of a stream."""
    import pyarrow
    import pyarrow.ipc

    try:
        with path.open("rb") as start:
            whole = start.read(len(_FILE)) == _FILE
        with pyarrow.OSFile(str(path), "rb") as file:
            reader = pyarrow.ipc.open_file(file) if whole else pyarrow.ipc.open_stream(file)
            yield reader.schema, _each(reader, whole)
    except PermissionError as refusal:
        raise denied(path, refusal) from None
    except (pyarrow.ArrowException, OSError, ValueError, KeyError, MemoryError, OverflowError) as damage:
        raise damaged(path, str(damage).partition("\n")[0][:200]) from None


def _each(reader: Any, whole: bool) -> Iterator[Any]:
    if whole:
        yield from (reader.get_batch(k) for k in range(reader.num_record_batches))
    else:
        yield from reader
