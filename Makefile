# `make` lists the targets. Everything is installed into .venv; nothing else is touched.

.DEFAULT_GOAL := help
# Tests start servers by the dozen: what is compiled once is kept.
unexport PYTHONDONTWRITEBYTECODE
SHELL := /bin/sh

PYTHON ?= $(shell for python in python3.12 python3.11 python3 python3.13 python3.14 python; do \
	"$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo "$$python"; break; }; \
	done)
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint .constraints.txt
NODE := $(shell command -v npm 2>/dev/null)
JOBS ?= 2
ARGS ?=

.PHONY: help serve test check bench fuzz faults stock gallery page screenshots vendor constraints clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' Makefile

serve: .venv/serve.stamp ## Run the server on an embedded PostgreSQL; ARGS="--port 9000" adds options
	@exec $(BIN)/cocut serve --guest $(ARGS)

test: .venv/test.stamp node ## Run the tests; ARGS="tests/unit -k name" picks some, REQUIRE_NODE=1 REQUIRE_BROWSER=1 skip none
	@$(BIN)/python -m pytest -q -n $(JOBS) --dist worksteal -m "not slow" $(ARGS)

check: .venv/test.stamp ## Check style, types and the direction of imports
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/mypy
	@$(BIN)/python -m pytest -q -p no:xdist tests/unit/test_imports.py

bench: .venv/bench.stamp ## Measure against other servers and write docs/benchmarks.md; ARGS="--quick" is shorter
	@$(BIN)/python -m tests.benchmarks $(ARGS)

fuzz: .venv/test.stamp ## Run the random suites alone; ARGS="..." goes to pytest
	@$(BIN)/python -m pytest -q --timeout 0 tests/fuzz $(ARGS)

stock: .venv/test.stamp ## Make the whole stock library, twice, and measure every sound and picture of it
	@$(BIN)/python -m pytest -q -n $(JOBS) -m slow tests/unit/stock tests/integration/stock $(ARGS)

faults: .venv/test.stamp ## Run the long suites of killed nodes; ARGS="..." goes to pytest
	@$(BIN)/python -m pytest -q -m slow --timeout 0 tests/faults $(ARGS)

gallery: .venv/test.stamp ## Render every drawing feature into build/gallery; ARGS="--update" renews the committed strips
	@$(BIN)/python -m tests.gallery.show $(ARGS)

page: .venv/test.stamp node ## Run all tests of the editor page in Chromium, the slow ones, too
	@$(BIN)/python -m pytest -q -n $(JOBS) tests/browser $(ARGS)

screenshots: .venv/test.stamp ## Take pictures of the editor page's main states into build/screenshots
	@$(BIN)/python -m tests.browser.screenshots $(ARGS)

vendor: build/vendor/node_modules/.stamp ## Bundle the editor page's third-party modules anew, from server/editor/vendor/package.json
	@node server/editor/vendor/build.mjs build/vendor server/editor/vendor

constraints: .venv/python.stamp ## Pin the newest versions that fit, into .constraints.txt
	@rm -rf build/pins && "$(PYTHON)" -m venv build/pins
	@build/pins/bin/python -m pip install --quiet --disable-pip-version-check -e '.[test,interop,bench]'
	@build/pins/bin/python -m pip freeze --exclude-editable | grep -E '^[A-Za-z0-9._-]+==[^ ]+$$' > .constraints.txt
	@rm -rf build/pins

clean: ## Remove what was installed and built; keeps cocut-data
	@rm -rf .venv build dist .bench .mypy_cache .ruff_cache .pytest_cache .hypothesis *.egg-info
	@rm -rf tests/e2e/node_modules tests/load/peers/node_modules
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/python.stamp:
	@test -n "$(PYTHON)" || { echo "Cocut needs Python 3.11 or newer, and found none; install it, or name it: make PYTHON=/path/to/python3" >&2; exit 1; }
	@"$(PYTHON)" -m venv .venv || { echo "$(PYTHON) has no venv module; install the full Python (on Debian and Ubuntu: python3-venv)" >&2; rm -rf .venv; exit 1; }
	@touch $@

.venv/serve.stamp: .venv/python.stamp pyproject.toml .constraints.txt
	@echo "installing into .venv (once)" >&2
	@$(PIP) -e .
	@touch $@

.venv/test.stamp: .venv/serve.stamp
	@echo "installing what the tests need (once)" >&2
	@$(PIP) -e '.[test,interop]'
	@touch $@

.venv/bench.stamp: .venv/test.stamp
	@$(PIP) -e '.[test,interop,bench]'
	@touch $@

# The JavaScript clients that the tests use as peers, and what the editor page's bundle is made of.
# Without Node those tests are skipped.
.PHONY: node
node: $(if $(NODE),tests/e2e/node_modules/.stamp build/vendor/node_modules/.stamp)
	@test -n "$(NODE)" || test -z "$(REQUIRE_NODE)" || { echo "REQUIRE_NODE is set, but npm is not installed" >&2; exit 1; }

build/vendor/package.json: server/editor/vendor/package.json
	@mkdir -p $(@D) && cp $< $@

%/node_modules/.stamp: %/package.json
	@cd $* && npm install --no-package-lock --no-audit --no-fund --loglevel=error >/dev/null
	@touch $@
