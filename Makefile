# Everything that a developer calls. Needs Python 3.11 or newer with venv, make (GNU 3.81 or newer)
# and, for the first set-up, a network. `make` alone lists the calls.
#
#   make test PYTHON=python3.13      another Python for .venv (only when .venv is made)
#   make test PYTEST_ARGS='-k dlq'   a part of the tests (coverage is then below its limit)
#   make faults CYCLES=300 SEED=7    so many kills, as this seed plans them
#   make lock UPGRADE=--upgrade      newest versions instead of those already locked
#   make bench BENCH_ARGS='replay --lines 10000000'    a part of the measurements, larger

SHELL := /bin/sh
PYTHON ?= python3
PYTEST_WORKERS ?= auto
PYTEST_ARGS ?=
UPGRADE ?=
SECONDS ?= 60
BENCH_ARGS ?=

BIN := .venv/bin
LOCK := requirements/dev.lock
RUNTIME_LOCK := requirements/runtime.lock
BUILD_LOCK := requirements/build.lock
FUZZ_LOCK := requirements/fuzz.lock
BENCH_LOCK := requirements/bench.lock
# Two stamps: a changed lock makes .venv anew, a changed pyproject.toml or C source only installs the package again.
LOCKED := .venv/.locked
INSTALLED := .venv/.installed
# Twice quiet: only errors, not what this machine's own pip settings warn about.
QUIET_PIP := -m pip --quiet --quiet --disable-pip-version-check
PIP := $(BIN)/python $(QUIET_PIP)
# What we are measured beside stays apart from what we are tested with.
BENCH := .venv-bench/bin/python
BENCH_LOCKED := .venv-bench/.locked
BENCH_INSTALLED := .venv-bench/.installed

.DEFAULT_GOAL := help
.PHONY: help demo test venv lint imports types unit faults properties format fuzz sanitize bench reference lock clean

help: ## list these calls
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' Makefile

demo: $(INSTALLED) ## a small real run, start to end, explained; its worker is killed halfway
	@$(BIN)/syncstats demo

test: $(INSTALLED) ## everything that must hold: style, types, direction of imports, all tests
	@$(MAKE) --no-print-directory lint
	@$(MAKE) --no-print-directory types
	@$(MAKE) --no-print-directory imports
	@$(MAKE) --no-print-directory unit

venv: $(INSTALLED) ## make .venv with everything for development

lint: $(INSTALLED) ## ruff: rules and format
	@printf '\n== ruff check\n'
	@$(BIN)/ruff check .
	@printf '\n== ruff format --check\n'
	@$(BIN)/ruff format --check .

types: $(INSTALLED) ## mypy --strict
	@printf '\n== mypy --strict\n'
	@$(BIN)/mypy

imports: $(INSTALLED) ## import-linter: imports only go down
	@printf '\n== import-linter\n'
	@$(BIN)/lint-imports --no-cache

# Killed workers leave data files that nobody can read: they go, before and after.
unit: $(INSTALLED) ## pytest with branch coverage of the four packages, subprocesses included
	@printf '\n== pytest, branch coverage\n'
	@rm -f .coverage .coverage.*
	@status=0; $(BIN)/python -m pytest -n $(PYTEST_WORKERS) --maxprocesses=4 --dist=loadgroup --cov --cov-report=term $(PYTEST_ARGS) \
		|| status=$$?; rm -f .coverage.*; exit $$status

CYCLES ?= 300
SEED ?= 7

faults: $(INSTALLED) ## kill workers CYCLES times, as planned by SEED, and tell whether anything was lost
	@$(BIN)/python -m tests.faults.harness --cycles $(CYCLES) --seed $(SEED)

# The large worlds: the design's steps with three faults (966,384 worlds), the code's finer steps with two, and the same
# where what a worker has listed may be older than the step that it takes.
properties: $(INSTALLED) ## look for new examples of every property, and search the protocol's model in large worlds
	@printf '\n== the tests of tests/properties, with new examples each time; everybody at one data folder, for a minute\n'
	@HYPOTHESIS_PROFILE=search $(BIN)/python -m pytest -q -n $(PYTEST_WORKERS) --maxprocesses=4 --timeout=1500 \
		tests/properties tests/integration/test_concurrency.py $(PYTEST_ARGS)
	@printf '\n== the model of the protocol\n'
	@for world in "--crashes 3" "--as-code --crashes 2" "--as-code --stale --crashes 2"; do \
		printf '%s: ' "$$world"; $(BIN)/python -m tests.model.search $$world || exit 1; done

format: $(INSTALLED) ## let ruff format and mend what it can
	@$(BIN)/ruff check --fix --quiet . || true
	@$(BIN)/ruff format .

fuzz: $(INSTALLED) ## atheris over all that reads foreign bytes, for SECONDS=60 in all
	@$(BIN)/python -c 'import atheris' 2>/dev/null \
		|| $(PIP) install --require-hashes --no-deps --only-binary :all: -r $(FUZZ_LOCK) || { \
		echo "make: no fuzzing here: atheris cannot be installed for this Python and machine (the reason stands above)" >&2; \
		exit 1; }
	@$(BIN)/python -m tests.fuzz.run --seconds $(SECONDS)

sanitize: $(INSTALLED) ## the compiled kernel under two sanitizers of gcc's, for SECONDS=60
	@$(BIN)/python -m tests.fuzz.sanitized --seconds $(SECONDS)

bench: $(BENCH_INSTALLED) ## measure all that the goals speak of beside its peers, in minutes; BENCH_ARGS='--help' tells more
	@$(BENCH) -m benchmarks --out benchmarks/results.json --page docs/performance.md $(BENCH_ARGS)

reference: $(INSTALLED) ## write docs/reference/cli.md from what the command says of itself
	@$(BIN)/python -m tests.support.reference

# Exact versions with hashes of every published file, so that one lock serves all Pythons and platforms.
# Neither command writes where the files come from: that is the installing machine's business.
COMPILE := $(BIN)/uv pip compile --quiet --no-config --universal --python-version 3.11 \
	--generate-hashes --no-emit-index-url --no-emit-find-links --no-header --no-annotate $(UPGRADE)

lock: $(INSTALLED) ## resolve the dependencies in pyproject.toml again into requirements/*.lock
	@$(COMPILE) --extra dev pyproject.toml --output-file $(LOCK) >/dev/null
	@$(COMPILE) --constraint $(LOCK) pyproject.toml --output-file $(RUNTIME_LOCK) >/dev/null
	@$(BIN)/python -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["build-system"]["requires"], sep="\n")' \
		| $(COMPILE) --constraint $(LOCK) - --output-file $(BUILD_LOCK) >/dev/null
	@$(BIN)/python -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"]["fuzz"], sep="\n")' \
		| $(COMPILE) - --output-file $(FUZZ_LOCK) >/dev/null
	@$(COMPILE) --constraint $(LOCK) --extra bench pyproject.toml --output-file $(BENCH_LOCK) >/dev/null

clean: ## remove .venv and everything that a run of these calls has made
	@rm -rf .bench .fuzz .venv .venv-bench build dist *.egg-info .coverage .coverage.* .hypothesis .import_linter_cache \
		.mypy_cache .pytest_cache .ruff_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# An environment from a lock; the first argument is its folder, the second the lock.
define make_venv
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "make: syncstats needs Python 3.11 or newer, and '$(PYTHON)' is not." >&2; \
		echo "make: name another one, for example: make $(MAKECMDGOALS) PYTHON=python3.12" >&2; \
		exit 1; }
	@echo "making $(1) with $$($(PYTHON) --version 2>&1) (once; again when $(2) changes)"
	@$(PYTHON) -m venv --clear $(1) || { \
		echo "make: '$(PYTHON) -m venv' does not work; Debian and Ubuntu: apt install python3-venv" >&2; \
		exit 1; }
	@$(1)/bin/python $(QUIET_PIP) install --require-hashes --no-deps --only-binary :all: -r $(2)
	@touch $@
endef

$(LOCKED): $(LOCK)
	$(call make_venv,.venv,$(LOCK))

$(BENCH_LOCKED): $(BENCH_LOCK)
	$(call make_venv,.venv-bench,$(BENCH_LOCK))

$(INSTALLED): $(LOCKED) pyproject.toml setup.py $(wildcard events/kernel/*.[ch])
	@$(PIP) install --no-deps --no-build-isolation --no-index --editable .
	@touch $@

$(BENCH_INSTALLED): $(BENCH_LOCKED) pyproject.toml setup.py $(wildcard events/kernel/*.[ch])
	@$(BENCH) $(QUIET_PIP) install --no-deps --no-build-isolation --no-index --editable .
	@touch $@
