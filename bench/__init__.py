"""Measurements of tunesmith beside its peers: `python -m bench` lists the rows, `python -m bench ROW` runs one."""
