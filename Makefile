# Needs python3 (3.11 or newer), make and the package index. No root.
#
#   make run PYTHON=python3.12     names another Python
#   make test ARGS="-k reload"     passes words on to pytest

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Quiet, so each use is announced by a line that says what is being waited for.
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: run test test-blog soak lint types docs golden clean help
.DELETE_ON_ERROR:

run: $(VENV)/run.stamp  ## Run the example blog at http://127.0.0.1:8000 (Ctrl-C stops it)
	@cd examples/blog && exec ../../$(BIN)/outrider run

test: $(VENV)/dev.stamp  ## Run all tests (with ARGS: only Outrider's own)
	@$(BIN)/python -m pytest -n auto --dist loadgroup $(ARGS)
	$(if $(ARGS),,@$(MAKE) --no-print-directory test-blog)

test-blog: $(VENV)/dev.stamp  ## Run the tests of the example blog
	@cd examples/blog && ../../$(BIN)/python -m pytest -n auto --dist loadgroup $(ARGS)

soak: $(VENV)/dev.stamp  ## Ask for all kinds of things for ten minutes; memory must stay as it is
	@$(BIN)/python -m pytest tests/worker/soak.py -n 2 -rP

lint: $(VENV)/dev.stamp  ## Check style, formatting and types
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy

types: $(VENV)/dev.stamp  ## Check types only
	@$(BIN)/mypy

docs: $(VENV)/dev.stamp  ## Write the generated parts of README.md and docs again
	@$(BIN)/cog -r $(wildcard README.md docs/*/*.md)

golden: $(VENV)/dev.stamp  ## Write the golden files again; read their diff as prose
	@$(BIN)/python -m pytest --update-golden $(ARGS)

clean:  ## Remove everything that make has made
	@rm -rf $(VENV) build dist htmlcov .coverage .coverage.* .mypy_cache .pytest_cache .ruff_cache .hypothesis
	@find src tests examples -name __pycache__ -type d -prune -exec rm -rf {} +

help:  ## Show this list
	@echo "usage: make TARGET [PYTHON=python3.12] [ARGS=...]"
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1|\2/p' $(firstword $(MAKEFILE_LIST)) | awk -F'|' '{printf "%-11s %s\n", $$1, $$2}'

# Each stamp is newer than what it was installed from, so a changed pyproject.toml installs again.
$(VENV)/run.stamp: pyproject.toml examples/blog/pyproject.toml $(VENV)/made.stamp
	@echo "Installing Outrider, Nginx and the blog into $(VENV)"
	@$(PIP) install --editable ".[nginx]" --editable "examples/blog[local]"
	@touch $@

$(VENV)/dev.stamp: pyproject.toml $(VENV)/run.stamp
	@echo "Installing what tests and lint need into $(VENV)"
	@$(PIP) install --editable ".[dev]" --editable "examples/blog[test]"
	@touch $@

$(VENV)/made.stamp:
	@command -v $(PYTHON) >/dev/null || { \
	  echo "There is no $(PYTHON) on this machine. Install Python 3.11 or newer, or name one: make PYTHON=/path/to/python3" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Outrider needs Python 3.11 or newer, and $(PYTHON) is $$($(PYTHON) --version 2>&1). Name a newer one: make PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "$(PYTHON) cannot make a virtual environment: its ensurepip is missing. On Debian and Ubuntu type: sudo apt-get install python3-venv" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV)
	@touch $@
