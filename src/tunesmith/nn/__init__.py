"""Pure tensors: networks and losses that know nothing of recipes, records or runs."""

import os

if os.environ.get("TUNESMITH_LEAN"):
    from tunesmith.nn import lean

    lean.load()
