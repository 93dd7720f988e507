"""The documents of C8 as files: one document a line, and which of them are copies of which."""

from __future__ import annotations

import json
from pathlib import Path

from bench import near_duplicates

SEED = 1


def written(folder: Path, count: int, twins: int) -> dict[str, str]:
    """{"documents": file, "pairs": file}; made where they are not there yet.  twins: edited copies among them."""
    documents, pairs = folder / f"documents-{count}.txt", folder / f"pairs-{count}.json"
    if not pairs.is_file():
        texts, planted = near_duplicates.documents(count, twins, SEED)
        documents.write_text("\n".join(texts), encoding="utf-8")
        pairs.write_text(json.dumps(planted), encoding="utf-8")
    return {"documents": str(documents), "pairs": str(pairs)}
