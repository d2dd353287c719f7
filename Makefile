# `make run` needs Python 3.11 or newer and nothing else; `make test` installs what it needs besides.
BIN := .venv/bin

.PHONY: test unit lint
test: ## everything: lint, types, import contracts, unit and integration tests on both databases, journeys
	tests/prepare
	$(MAKE) lint
	$(BIN)/pytest -n 2 -m "not journey"
	$(BIN)/pytest -m journey

unit: ## what needs no server, in seconds
	$(BIN)/pytest -n 2 -q -m "not integration and not journey"

lint: ## style, types, and who may import whom
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
