# make demo    run the first notebook on an embedded database and show what it computed
# make lab     open the notebooks in JupyterLab
# make notebooks   run the notebooks and store them with what they show
# make check   lint, types, imports, spelling, unit tests, SQLite (under 2 minutes)
# make test    everything, on every engine (under 20 minutes)
# make test-full   the same without sampling
# make bench   the benchmarks
# make docs    the documentation, as a site in build/docs/html that needs no server

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check -q
WORKERS ?= auto
PYTEST := $(BIN)/python -m pytest
DEMO := 01_first_pipeline

# Where the compiler that checks the types of the widgets' modules is kept.
export PATH := $(CURDIR)/$(VENV)/js/node_modules/.bin:$(PATH)

.PHONY: demo lab notebooks check lint provision test test-full bench docs clean
.DEFAULT_GOAL := demo

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed: make PYTHON=/path/of/python3"; exit 1; }
	$(PYTHON) -m venv $(VENV)

# Stamps, so that a second run installs nothing.
$(VENV)/demo.stamp: $(BIN)/python pyproject.toml constraints.txt
	$(PIP) install -c constraints.txt -e ".[notebook]"
	@touch $@

$(VENV)/test.stamp: $(BIN)/python pyproject.toml constraints.txt
	$(PIP) install -c constraints.txt -e ".[test]"
	@touch $@ $(VENV)/demo.stamp $(VENV)/docs.stamp

$(VENV)/docs.stamp: $(BIN)/python pyproject.toml constraints.txt
	$(PIP) install -c constraints.txt -e ".[docs]"
	@touch $@

$(VENV)/js.stamp: $(BIN)/python
	@if command -v npm >/dev/null; then \
	  npm install --silent --no-audit --no-fund --no-package-lock --prefix $(VENV)/js typescript; \
	else echo "npm is missing: the types of the widgets' modules are not checked"; fi
	@touch $@

demo: $(VENV)/demo.stamp
	@$(BIN)/python notebooks/run_demo.py $(DEMO)

lab: $(VENV)/demo.stamp
	$(BIN)/jupyter lab $(if $(filter 0,$(shell id -u)),--allow-root) --notebook-dir=notebooks notebooks/$(DEMO).ipynb

notebooks: $(VENV)/test.stamp
	$(BIN)/python notebooks/execution.py

lint: $(VENV)/test.stamp $(VENV)/js.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/codespell

check: lint
	$(PYTEST) tests/unit tests/behaviour -n $(WORKERS) --engines=sqlite -q

provision: $(VENV)/test.stamp
	@$(BIN)/python -m tests.provision.install

test: provision lint
	$(PYTEST) -n $(WORKERS) --dist loadgroup -m "not slow"

test-full: provision lint
	$(PYTEST) -n $(WORKERS) --dist loadgroup --hypothesis-profile=full

bench: $(VENV)/test.stamp
	$(BIN)/python -m benchmarks
	$(BIN)/python -m benchmarks.insert
	$(BIN)/python -m benchmarks.delete
	$(BIN)/python -m benchmarks.transfers
	$(BIN)/python -m benchmarks.blobs
	$(BIN)/python -m benchmarks.browse
	$(BIN)/python -m benchmarks.objects

docs: $(VENV)/docs.stamp
	@$(BIN)/python docs/build.py

clean:
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
