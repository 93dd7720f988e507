# make demo: from nothing to a served model.   make test: linters, types, every test.   Both set up what they need.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
HOME_DIR ?= .demo
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

.PHONY: demo test lint docs clean

demo: $(VENV)/.installed-train
	$(BIN)/tunesmith up examples/tickets.csv --home $(HOME_DIR)

test: lint
	$(BIN)/python -m pytest -n 2

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright --pythonpath $(BIN)/python

docs: $(VENV)/.installed-train
	$(BIN)/python docs/make_reference.py

clean:
	rm -rf $(VENV) .demo .pytest_cache .ruff_cache .hypothesis build dist

$(VENV)/.installed-train: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(INSTALL) -e ".[train]"
	touch $@

$(VENV)/.installed-dev: $(VENV)/.installed-train
	$(INSTALL) -e ".[train,export,distributed,dev]"
	touch $@
