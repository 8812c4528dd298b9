# Needs python3 (3.11 or newer) and make, nothing else: the rest goes into .venv and the user's cache.
# Try `make demo` and `make test` first; `make help` lists every target.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
# Where the platform's wheels of torch differ, this version is the one tested; pip chooses the build.
TORCH  := torch==2.13.0
EXTRAS := policy,import,embedded,cpsat,plot,dev
WORKERS ?= 2
PYTEST  = $(BIN)/python -m pytest -n $(WORKERS) --dist worksteal

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-all bench experiments picture lint format clean

help:  ## list the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | sort

setup: $(VENV)/.packages  ## make .venv and put MiniZinc into the user's cache
	@$(BIN)/chipzinc doctor --install --quiet

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "make: $(PYTHON) is older than 3.11; name another: make PYTHON=python3.12 ..." >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

# constraints.txt fixes the versions that the tests have seen; pyproject.toml says what is allowed.
$(VENV)/.packages: pyproject.toml constraints.txt | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt "$(TORCH)" -e ".[$(EXTRAS)]"
	@touch $@

demo: setup  ## partition BERT-Large for a package of 36 chips
	@mkdir -p demo
	$(BIN)/chipzinc partition bert-large --hw mcm36-ring -o demo/bert-large.plan.yaml

test: setup  ## the tests, but for the slow ones
	$(PYTEST)

test-all: setup  ## every test, the slow ones too
	$(PYTEST) -m ""

bench: setup  ## the figures that the documents quote, by name: make bench BENCH="startup corrections"
	$(BIN)/python -m benchmarks $(BENCH)

experiments: setup  ## the learned policy against search without learning: hours, goes on where it stopped
	$(BIN)/python -m benchmarks.experiments $(EXPERIMENT)

picture: setup  ## draw the README's picture anew
	$(BIN)/python docs/make_picture.py

lint: $(VENV)/.packages  ## style, types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/.packages  ## mend what ruff can mend
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:  ## remove .venv and what the tools left behind
	rm -rf $(VENV) demo build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
