"""The training engine: one loop over an engine of a few primitives."""
