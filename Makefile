# `make serve` and `make test` need Python 3.11 or newer (with venv) and a package registry; the rest is
# installed into $(VENV). A second run reuses what is there.

PYTHON ?= python3
VENV ?= .venv
PORT ?= 8000

BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
EXPLORER := gql_service/explorer
EXPLORER_SOURCES := $(EXPLORER)/package-lock.json $(EXPLORER)/vite.config.js $(EXPLORER)/index.html \
                    $(wildcard $(EXPLORER)/src/*)

.PHONY: serve test test-long bench check explorer lock schema clean

serve: $(VENV)/.runtime explorer ## migrate, load demo data, serve on 127.0.0.1
	@$(BIN)/gql-service migrate
	@$(BIN)/gql-service serve --demo --port $(PORT)

test: $(VENV)/.dev explorer check ## every check
	$(BIN)/pytest -n auto

test-long: $(VENV)/.dev ## by the ten thousand: plans against graphql-core, documents against their model
	$(BIN)/pytest tests/engine/test_against_graphql_core.py tests/documents/test_against_model.py --hypothesis-profile=long

bench: $(VENV)/.dev ## against the best peers; see bench/README.md
	$(BIN)/python -m bench

check: $(VENV)/.dev ## style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

explorer: $(EXPLORER)/dist/index.html ## the GraphiQL page

schema: $(VENV)/.runtime ## write schema.graphql anew
	$(BIN)/gql-service export-schema > schema.graphql

lock: $(VENV)/.dev ## resolve the dependencies anew
	$(PIP) install uv
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate \
	  --no-header --upgrade --extra postgres --group build pyproject.toml -o requirements.lock
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate \
	  --no-header --upgrade --extra postgres --group dev -c requirements.lock pyproject.toml -o requirements-dev.lock

clean:
	rm -rf $(VENV) $(EXPLORER)/dist $(EXPLORER)/node_modules

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; say which: make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.runtime: requirements.lock pyproject.toml | $(BIN)/python
	$(PIP) install --require-hashes -r requirements.lock
	$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: requirements-dev.lock $(VENV)/.runtime
	$(PIP) install --require-hashes -r requirements-dev.lock
	@touch $@

$(EXPLORER)/dist/index.html: $(EXPLORER_SOURCES)
	@if command -v npm >/dev/null; then \
	  cd $(EXPLORER) && npm ci --no-audit --silent && npm run build --silent \
	    || echo "The explorer could not be built; its page will offer a CDN instead."; \
	else echo "Node is not installed: the explorer is not built, its page will offer a CDN instead."; fi
