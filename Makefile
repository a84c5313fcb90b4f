# make setup: the environment only. make demo: the product with the sample company. make test: everything that must hold.
# Needs Python 3.11 or later and nothing else; what it installs is locked by hash in requirements/.
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3 python; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && { echo $$p; break; }; done)
VENV := .venv
BIN := $(VENV)/bin
INSTALL = $(BIN)/python -m pip --disable-pip-version-check --quiet install --no-input
LINT_IMPORTS := $(BIN)/lint-imports
DATABASE ?= both
TESTS ?= tests

.PHONY: setup setup-dev frontend demo test lint docs bench soak lock clean

setup: $(VENV)/.base frontend

setup-dev: $(VENV)/.dev frontend

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "Ostiary needs Python 3.11 or later; none was found"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.base: $(BIN)/python requirements/base.lock pyproject.toml
	$(INSTALL) --require-hashes -r requirements/base.lock
	$(INSTALL) --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: $(VENV)/.base requirements/dev.lock
	$(INSTALL) --require-hashes -r requirements/dev.lock
	@touch $@

frontend: src/ostiary/web/static/build/manifest.json

src/ostiary/web/static/build/manifest.json: $(VENV)/.base $(shell find frontend -type f -not -path '*/node_modules/*' 2>/dev/null)
	@command -v node >/dev/null && command -v npm >/dev/null || $(INSTALL) --require-hashes -r requirements/frontend.lock
	$(BIN)/python frontend/build.py

demo: setup
	$(BIN)/ostiary demo

test: setup-dev
	@rm -f .pytest_cache/v/cache/lastfailed
	export OSTIARY_TEST_DATABASE=$(DATABASE); $(BIN)/python -m pytest $(TESTS) -m "not soak" || $(BIN)/python tests/again.py

lint: setup-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(LINT_IMPORTS)

docs: setup-dev
	$(BIN)/python docs/build.py

bench: setup-dev
	@for each in bench/*.py; do echo "== $$each"; $(BIN)/python $$each || exit 1; done

soak: setup-dev
	HYPOTHESIS_PROFILE=default $(BIN)/python -m pytest tests -m "soak or hypothesis" -n 1 --timeout 3600

lock:
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header pyproject.toml requirements/build.in -o requirements/base.lock
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header pyproject.toml requirements/build.in --group dev -o requirements/dev.lock
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header requirements/frontend.in -o requirements/frontend.lock

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache src/ostiary/web/static/build frontend/node_modules
