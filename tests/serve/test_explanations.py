"""Every code of serving has a page."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import tunesmith
from tunesmith.serve.limits import REFUSALS

HOME = Path(tunesmith.__file__).parent


def test_every_code_that_serving_uses_is_explained_and_no_other():
    told = (HOME / "explanations").glob("V*.toml")
    pages = {code: page for path in told for code, page in tomllib.loads(path.read_text("utf-8")).items()}
    sources = [*(HOME / "serve").glob("*.py"), *(HOME / "http").glob("*.py"), *(HOME / "inputs").glob("*.py")]
    used = {code for path in sources for code in re.findall(r'"(V\d{3})"', path.read_text("utf-8"))}
    assert used == set(pages) >= set(REFUSALS)
    for code, page in pages.items():
        assert set(page) == {"title", "why", "fix"}, code
        assert all(len(text) > 10 for text in page.values()), code
