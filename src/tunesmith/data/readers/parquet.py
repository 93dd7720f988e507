"""Parquet files, in batches; a row that holds undecodable text is broken, a damaged file is refused."""

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

_BATCH = 1024


class Parquet(Reader):
    """A place's line is the row number, from 1.  Dates become ISO text, decimals numbers, bytes UTF-8 text.

    Page checksums are verified where the file has them; the format does not demand them.
    """

    suffixes: ClassVar[tuple[str, ...]] = (".parquet", ".pq")
    marks: ClassVar[tuple[bytes, ...]] = (b"PAR1",)

    def sniff(self, path: Path) -> Dialect:
        """Raises F004 (damaged), F006 (not readable), F007 (no columns, or two of one name)."""
        with _opened(path) as file:
            names = tuple(file.schema_arrow.names)
            if not names or len(set(names)) < len(names):
                raise _no_table(path, names)
            return Dialect(names, {"rows": file.metadata.num_rows})

    def read(self, path: Path, dialect: Dialect) -> Iterator[Record | Broken]:
        """Raises F004 where the file is damaged."""
        number = 0
        with _opened(path) as file:
            for batch in file.iter_batches(batch_size=_BATCH):
                yield from batch_rows(batch, str(path), number, dialect.columns)
                number += batch.num_rows
        if number != dialect.details.get("rows", number):
            raise damaged(path, f"it holds {number} rows and promises {dialect.details['rows']}")


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[Any]:
    import pyarrow
    import pyarrow.parquet

    try:
        with pyarrow.parquet.ParquetFile(path, page_checksum_verification=True) as file:
            yield file
    except PermissionError as refusal:
        raise denied(path, refusal) from None
    except (pyarrow.ArrowException, OSError, ValueError, KeyError, MemoryError, OverflowError) as damage:
        raise damaged(path, str(damage).partition("\n")[0][:200]) from None


def _no_table(path: Path, names: tuple[str, ...]) -> DataError:
    twice = next((name for name in names if names.count(name) > 1), "")
    return DataError(
        "F007",
        f"{path.name} has two columns named '{twice}'" if twice else f"{path.name} has no columns",
        expected="columns with different names",
        fixes=("write the file again with other column names",),
        where=str(path),
    )
