# Two commands do everything on a fresh machine: `make run` and `make test`.
# They need Python 3.11 or newer and make.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
INSTALLED_DEV := $(VENV)/.installed-dev

.PHONY: run test check lint types bench services clean

run: $(INSTALLED)
	$(BIN)/stormcrow up

# All tests; then one over all that they left behind, which holds no secret. After a failure the folder stays.
test: $(INSTALLED_DEV) services
	@left=$$(mktemp -d /tmp/stormcrow-tests.XXXXXX) && set -e; \
	$(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder --basetemp "$$left"; \
	$(BIN)/python -m pytest tests/left_behind/left_behind.py --left-behind "$$left"; \
	rm -rf "$$left"

check: lint types test

lint: $(INSTALLED_DEV)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports

types: $(INSTALLED_DEV)
	$(BIN)/mypy

bench: $(INSTALLED_DEV)
	$(BIN)/python -m benchmarks

# Debian packages that some tests drive; where they cannot be installed those tests are skipped.
services:
	@sh tests/services.sh

$(INSTALLED): pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Stormcrow needs Python 3.11 or newer: make PYTHON=python3.11 run")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	touch $@

$(INSTALLED_DEV): $(INSTALLED) requirements-dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement requirements-dev.txt
	touch $@

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache build dist
