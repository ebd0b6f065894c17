# Every target does its own set-up. Needs Python 3.11 or later and make; nothing else.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STORE ?= demo-store
PEOPLE ?= 50000
.DEFAULT_GOAL := help
.PHONY: help demo test check bench lock clean ready ready-dev ready-bench

help:
	@echo "make demo    invent an ICB of $(PEOPLE) people, land, run, and say what happened"
	@echo "make test    all tests"
	@echo "make check   ruff, mypy, the walls between rooms"
	@echo "make bench   the benchmarks; writes bench/RESULTS.md"

demo: ready
	@rm -rf $(STORE)
	$(BIN)/caldicott demo --people $(PEOPLE) --store $(STORE) --no-serve

test: ready-dev
	$(BIN)/pytest -n auto --dist loadfile

check: ready-dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: ready-bench
	$(BIN)/python -m bench.all

ready: $(VENV)/.run
ready-dev: $(VENV)/.dev
ready-bench: $(VENV)/.bench

$(VENV)/.run: requirements/run.lock pyproject.toml
	@bash scripts/set-up.sh $(PYTHON) $(VENV) requirements/run.lock
	@touch $@

$(VENV)/.dev: requirements/dev.lock pyproject.toml
	@bash scripts/set-up.sh $(PYTHON) $(VENV) requirements/dev.lock
	@touch $@ $(VENV)/.run

$(VENV)/.bench: requirements/bench.lock pyproject.toml
	@bash scripts/set-up.sh $(PYTHON) $(VENV) requirements/bench.lock
	@touch $@ $(VENV)/.run

# Needs uv. The locks carry hashes for every platform and no address of any index.
lock:
	@bash scripts/lock.sh

clean:
	rm -rf $(VENV) $(STORE) .mypy_cache .ruff_cache .pytest_cache .hypothesis
