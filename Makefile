# What one does with this project. CI calls exactly these targets.

# The virtual environment, and the Python it is made from (default: the first suitable one on PATH).
VENV ?= .venv
PYTHON ?=
# `make demo SECONDS=20` ends by itself; without it, Ctrl-C ends it.
SECONDS ?=

BIN := $(VENV)/bin
MADE := $(VENV)/.made
BUILT := $(VENV)/.built
TOOLS := $(VENV)/.tools
SOURCES := Cargo.toml Cargo.lock pyproject.toml $(shell find src packaging -type f)
QUIETLY := scripts/quietly.sh

export PYTHON
export VIRTUAL_ENV := $(abspath $(VENV))
# One interpreter for maturin, clippy and stubtest: the crate is built for exactly one CPython at a time.
export PYO3_PYTHON := $(abspath $(BIN))/python

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

.PHONY: help
help: ## List the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' Makefile | awk -F'|' '{ printf "%-20s %s\n", $$1, $$2 }'

.PHONY: demo
demo: $(BUILT) ## Set everything up, then count the words of a text server until Ctrl-C (or SECONDS=20)
	@$(BIN)/python -m dstreams demo $(if $(SECONDS),--seconds $(SECONDS)) examples/network_word_count.py

.PHONY: test
test: lint test-rust test-pythons ## Everything CI runs
	@$(BIN)/python -m pytest

.PHONY: build
build: $(BUILT) ## Build the native core and install the package for development into .venv

.PHONY: lint
lint: $(BUILT) $(TOOLS) ## Formats, lints, types, and the stub of the native module
	@$(QUIETLY) "Checking Rust: format" cargo fmt --check
	@$(QUIETLY) "Checking Rust: clippy" cargo clippy --locked --all-targets -- -D warnings
	@$(QUIETLY) "Checking Python: ruff" $(BIN)/ruff check
	@$(QUIETLY) "Checking Python: format" $(BIN)/ruff format --check
	@$(QUIETLY) "Checking Python: types" $(BIN)/mypy
	@$(QUIETLY) "Checking the stub of dstreams._native" $(BIN)/python -m mypy.stubtest dstreams._native

.PHONY: test-rust
test-rust: ## The engine's tests, without an interpreter
	@$(QUIETLY) "Testing the engine" cargo test --locked --quiet --no-default-features

.PHONY: test-pythons
test-pythons: $(TOOLS) ## Import, names, a word count and the reading of functions on every other CPython of this machine
	@scripts/test_other_pythons.sh $(BIN)/python

.PHONY: bench
bench: $(BUILT) ## Run the benchmarks of this folder's code, each with its unit
	@for bench in benches/*.py; do echo "$$bench"; $(BIN)/python "$$bench" || exit 1; done

.PHONY: soak
soak: $(BUILT) ## Ten minutes of short batches, fed by sockets that come and go (SECONDS=60: shorter)
	@$(BIN)/python scripts/soak.py $(if $(SECONDS),--seconds $(SECONDS))

.PHONY: crash
crash: $(BUILT) $(TOOLS) ## Kill, pause, double and replace a stream 200 times each (ROUNDS=20: fewer) and compare every batch with what it had to be; fork 200 children from a busy program
	@$(BIN)/python tests/faults/harness.py --kills $(or $(ROUNDS),$(KILLS),200) $(if $(SEED),--seed $(SEED))
	@for script in $(wildcard tests/faults/owners.py tests/faults/forks.py); do \
		$(BIN)/python $$script --rounds $(or $(ROUNDS),$(KILLS),200) $(if $(SEED),--seed $(SEED)) || exit 1; done

.PHONY: fuzz
fuzz: $(BUILT) ## Fuzz the readers of checkpoints, journals and functions, and the evaluator, a minute each; needs cargo-fuzz and a nightly toolchain
	@for target in checkpoint journal block expr; do cargo +nightly fuzz run $$target -- -max_total_time=60 -rss_limit_mb=1024 || exit 1; done
	@$(BIN)/python tests/support/mutated_code.py --seconds 60

.PHONY: format
format: $(TOOLS) ## Format all code
	@cargo fmt
	@$(BIN)/ruff format --quiet
	@$(BIN)/ruff check --fix --quiet

.PHONY: clean
clean: ## Remove the virtual environment and what was built
	@rm -rf $(VENV) target dist python/dstreams/_native.*.so

$(MADE): | scripts/check_toolchain.sh
	@python=$$(scripts/check_toolchain.sh) && \
		rm -rf $(VENV) && \
		$(QUIETLY) "Making $(VENV) from $$python" "$$python" -m venv $(VENV)
	@$(QUIETLY) "Installing the build tool" $(BIN)/python -m pip install --disable-pip-version-check 'maturin>=1.9,<2'
	@touch $@

$(BUILT): $(MADE) $(SOURCES)
	@scripts/check_toolchain.sh >/dev/null
	@$(QUIETLY) "Building dstreams (the first time takes some minutes)" $(BIN)/maturin develop --release --locked
	@touch $@

$(TOOLS): pyproject.toml | $(BUILT)
	@$(QUIETLY) "Installing the test tools" $(BIN)/python -m pip install --disable-pip-version-check 'dstreams[test]'
	@touch $@
