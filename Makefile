# The targets need Python 3.11 or newer (with venv) and access to a package registry. Everything else is
# installed into $(VENV) and reused by later runs.

PYTHON ?= python3
VENV ?= .venv
PORT ?= 8000
# Tests wait about half of their time: for servers, disks and the ends of intervals.
WORKERS ?= $(shell echo $$((2 * $$(getconf _NPROCESSORS_ONLN))))

BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
AUDIT := $(VENV)/audit
SCHEMATHESIS := $(VENV)/schemathesis
SBOM ?= build/sbom
FRONTEND := gql_service/frontend
FRONTEND_SOURCES := $(addprefix $(FRONTEND)/,package-lock.json vite.config.ts docs.ts codegen.ts tsconfig.json explorer.html \
                    console.html event-stream.js event-stream.d.ts) schema.graphql $(shell find $(FRONTEND)/src -type f -not -path '*/generated/*') \
                    $(wildcard *.md bench/*.md) $(shell find docs -type f)
LOCK_FILES := $(wildcard requirements*.lock $(FRONTEND)/package-lock.json tests/npm/*/package-lock.json \
                         bench/*/package-lock.json examples/*/package-lock.json)

.DEFAULT_GOAL := help
.PHONY: help serve test test-clients test-faults test-install test-long test-durability bench check pages lock schema sbom audit clean

help: ## Print this help
	@echo "Usage: make TARGET"
	@echo
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo
	@echo "Variables: PYTHON=$(PYTHON) VENV=$(VENV) PORT=$(PORT) WORKERS=$(WORKERS)"

serve: $(VENV)/.runtime pages ## Migrate, load demo data, and serve on 127.0.0.1
	@$(BIN)/gql-service migrate
	@$(BIN)/gql-service serve --demo --port $(PORT)

test: $(VENV)/.dev $(AUDIT)/.installed pages check ## Run the checks and most tests
	$(BIN)/pytest -n $(WORKERS) --dist worksteal -m "not clients and not faults and not install"

test-clients: $(VENV)/.dev $(SCHEMATHESIS)/.installed pages ## Test with browsers, gateways and SDKs (needs Node)
	$(BIN)/pytest -n auto --dist worksteal -m clients

test-faults: $(VENV)/.dev ## Test with processes that end, hang or are slow
	$(BIN)/pytest -n auto --dist worksteal -m faults

test-install: $(VENV)/.dev pages ## Test the wheel and the image, built and installed
	$(BIN)/pytest -n auto --dist loadfile -m install

test-long: $(VENV)/.dev ## Run the long property tests, floods and followers
	FLOOD=20000 $(BIN)/pytest tests/graphql/test_floods.py
	$(BIN)/pytest -n auto --dist worksteal tests/engine/test_against_graphql_core.py tests/engine/test_validation.py \
	  tests/engine/test_validator.py tests/engine/test_parser.py tests/engine/test_graphql_core_validation.py \
	  tests/engine/test_graphql_core_execution.py \
	  tests/documents/test_against_model.py tests/documents/test_numbers.py tests/transfer/test_property.py \
	  tests/documents/test_json_operations_property.py tests/engine/test_null_propagation.py \
	  tests/flags/test_buckets.py tests/web/test_client_address.py \
	  --hypothesis-profile=long
	GQL_TEST_LONG=1 $(BIN)/pytest tests/live/test_workers.py

test-durability: $(VENV)/.dev ## Kill servers, cut replies, check histories
	DURABILITY=100 $(BIN)/pytest tests/durability
	$(BIN)/pytest -m faults

bench: $(VENV)/.dev ## Run the benchmark; see bench/README.md
	$(BIN)/python -m bench

check: $(VENV)/.dev ## Check style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

pages: $(FRONTEND)/dist/console.html ## Build GraphiQL, console, docs (needs Node)

schema: $(VENV)/.runtime ## Update schema.graphql
	$(BIN)/gql-service export-schema > schema.graphql

# A lock file does not tell which package needs which; cyclonedx-py warns that this is missing.
# npm marks the build tools as "development". With --omit=dev, it would also omit packages that both need.
sbom: $(AUDIT)/.installed ## Write the bill of materials to build/sbom (needs Node)
	mkdir -p $(SBOM)
	PYTHONWARNINGS=ignore $(AUDIT)/bin/cyclonedx-py requirements --pyproject pyproject.toml --output-reproducible \
	  -o $(SBOM)/python.cdx.json requirements.lock
	npm sbom --prefix $(FRONTEND) --package-lock-only --sbom-format=cyclonedx > $(SBOM)/frontend.cdx.json

audit: sbom ## Check all dependencies for known vulnerabilities
	PATH="$(abspath $(AUDIT))/bin:$$PATH" $(AUDIT)/bin/python -m tools.audit $(LOCK_FILES)

lock: $(VENV)/.dev ## Update the lock files of the dependencies
	$(PIP) install uv
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate \
	  --no-header --upgrade --extra postgres --extra tracing --group build pyproject.toml -o requirements.lock
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate \
	  --no-header --upgrade --extra postgres --extra tracing --group dev -c requirements.lock pyproject.toml -o requirements-dev.lock
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate \
	  --no-header --upgrade --group audit -o requirements-audit.lock
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate \
	  --no-header --upgrade --group schemathesis -o requirements-schemathesis.lock

clean: ## Delete everything that was installed or built
	rm -rf $(VENV) $(SBOM) $(FRONTEND)/dist $(FRONTEND)/node_modules $(FRONTEND)/src/console/generated

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed. Choose one: make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.runtime: requirements.lock pyproject.toml | $(BIN)/python
	$(PIP) install --require-hashes -r requirements.lock
	$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: requirements-dev.lock $(VENV)/.runtime
	$(PIP) install --require-hashes -r requirements-dev.lock
	@touch $@

# The tools have many dependencies of their own, which must not decide about the versions of the service's.
$(AUDIT)/.installed: requirements-audit.lock | $(BIN)/python
	$(BIN)/python -m venv $(AUDIT)
	$(AUDIT)/bin/python -m pip --disable-pip-version-check --quiet install --require-hashes -r requirements-audit.lock
	@touch $@

# It needs an older jsonschema-rs than the service.
$(SCHEMATHESIS)/.installed: requirements-schemathesis.lock | $(BIN)/python
	$(BIN)/python -m venv $(SCHEMATHESIS)
	$(SCHEMATHESIS)/bin/python -m pip --disable-pip-version-check --quiet install --require-hashes -r $<
	@touch $@

$(FRONTEND)/dist/console.html: $(FRONTEND_SOURCES)
	@if command -v npm >/dev/null; then \
	  cd $(FRONTEND) && npm ci --no-audit --silent && npm run build --silent \
	    || echo "Building the pages failed; the server offers GraphiQL from a CDN instead."; \
	else echo "Node is not installed, so the pages are not built; the server offers GraphiQL from a CDN instead."; fi
