# `make serve` and `make test` are all that a newcomer needs: both set up .venv first.

PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: setup serve test check test-system bench docs lock clean

setup: $(READY) ## create .venv from the locked versions, with .venv/bin/hindsight

$(READY): requirements-dev.txt pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --editable .
	touch $@

serve: setup ## run the catalog on this machine
	$(BIN)/hindsight serve

check: setup ## format, lint, types, import directions
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: check ## all that CI runs, except what needs Debian packages
	$(BIN)/pytest

test-system: setup ## what needs qemu-img and a real ISO (tests/system/README.md)
	$(BIN)/pytest tests/system -m system

bench: setup ## speed and memory against any Images v2 URL (tests/benchmarks/README.md)
	$(BIN)/python -m tests.benchmarks $(BENCH)

docs: setup ## write docs/commands.md from the commands' own help
	$(BIN)/python -m tests.docs.commands

lock: ## choose and lock the newest versions that pyproject.toml allows (needs uv)
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate \
		--custom-compile-command "make lock" pyproject.toml -o requirements.txt
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate \
		--custom-compile-command "make lock" pyproject.toml --extra dev -c requirements.txt \
		-o requirements-dev.txt

clean: ## remove .venv and what tools left
	rm -rf $(VENV) build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
