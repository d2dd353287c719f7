# `make run` needs Python 3.11 or newer and nothing else; `make test` installs what it needs besides.
BIN := .venv/bin
# python3 if it is 3.11 or 3.12, for which everything comes ready made; else one of these that stands beside it
PYTHON ?= $(or $(shell for each in python3 python3.12 python3.11; do \
	$$each -c 'import ensurepip, sys, venv; sys.exit(not (3, 11) <= sys.version_info < (3, 13))' 2>/dev/null \
	&& echo $$each && break; done),python3)

.PHONY: run serve env clean-demo
run: env ## a demonstration town on this machine: the portal, the staff application, RADIUS, an access point
	@$(BIN)/python -m parvis demo

serve: env ## the four processes, on the settings of the environment
	@$(BIN)/python -m parvis serve

env: ## .venv from requirements.txt, made again only when that has changed
	@command -v $(PYTHON) >/dev/null || { echo "Parvis needs Python 3.11 or newer: there is no $(PYTHON) here." >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Parvis needs Python 3.11 or newer, and $(PYTHON) is %d.%d (make PYTHON=python3.12 run names another)." % sys.version_info[:2])'
	@$(PYTHON) parvis/environment.py requirements.txt

clean-demo: ## forget the demonstration: the next `make run` starts over
	@test ! -x $(BIN)/python || $(BIN)/python -m parvis demo --forget

.PHONY: test unit lint
test: export PATH := $(PATH):/usr/sbin
test unit: export PYTHONDONTWRITEBYTECODE := # each worker and server would compile everything again
test: ## everything: lint, types, import contracts, unit and integration tests on both databases, journeys
	tests/prepare
	$(MAKE) lint
	$(BIN)/pytest -n 3 --durations=15 -m "not journey"
	$(BIN)/pytest -n 2 --dist loadfile -m journey

unit: ## what needs no server, in seconds
	$(BIN)/pytest -n 2 -q -m "not integration and not journey" --hypothesis-profile=quick

lint: ## style, types, and who may import whom
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

.PHONY: bench bench-radius
bench: env ## ratios beside FreeRADIUS and an empty Flask view, kept in docs/benchmarks.md; not a test
	@$(BIN)/python -m benchmarks --save

bench-radius: env ## the RADIUS part of it, printed only
	@$(BIN)/python -m benchmarks --only radius
