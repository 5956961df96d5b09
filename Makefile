# callrouter: everything a clone needs. `make help` lists the targets.
PYTHON ?= $(shell for p in python3.14 python3.13 python3.12 python3.11 python3; do \
	command -v $$p >/dev/null 2>&1 && $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; break; }; done)
VENV := .venv
BIN := $(VENV)/bin
DURATION ?=
AT ?=
PACE ?= 1
.DEFAULT_GOAL := help
# Compiled once, not anew by each worker of the tests and each service that they start.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help demo check lint fast test sim soak lab bench lock texts dashboards pictures fmt clean
help: ## this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/  make \1\t\2/' | expand -t 16

$(VENV)/pyvenv.cfg:
	@test -n "$(PYTHON)" || { echo "callrouter needs Python 3.11 or newer: install it, or say make PYTHON=/path/to/python3" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

# The lock is complete, so nothing is left to resolve: pip before 25 would look for newer releases of packages named with an extra.
$(VENV)/run.stamp: requirements/run.txt pyproject.toml | $(VENV)/pyvenv.cfg
	$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --require-hashes -r requirements/run.txt
	echo "$(CURDIR)/src" > "$$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/callrouter-source.pth"
	touch $@

$(VENV)/dev.stamp: requirements/dev.txt pyproject.toml $(VENV)/run.stamp
	$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --require-hashes -r requirements/dev.txt
	touch $@

demo: $(VENV)/run.stamp ## three virtual sites with callers and agents; DURATION=30 ends by itself, PACE=20 is faster, AT='2027-09-17 09:00' begins then
	@$(BIN)/python -m callrouter demo $(if $(DURATION),--duration $(DURATION)) $(if $(AT),--at '$(AT)') --pace $(PACE)

check: $(VENV)/dev.stamp ## lint, types, layers and the fast tests, under a minute
	@$(MAKE) --no-print-directory -j 2 --output-sync=target lint fast

lint: $(VENV)/dev.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --cache-dir .import_linter_cache

fast: $(VENV)/dev.stamp
	CALLROUTER_EXAMPLES=0.2 $(BIN)/python -m pytest -q -n 3 --dist worksteal -m "not asterisk and not slow"

test: $(VENV)/dev.stamp ## everything, the real Asterisk included
	sh tests/asterisk/install.sh
	sh tests/prometheus.sh
	sh tests/postgres.sh
	sh tests/espeak.sh
	sh tests/chromium.sh
	@$(MAKE) --no-print-directory lint
	@# every branch of the core by scenarios: the random machine must not be what reaches it
	CALLROUTER_EXAMPLES=0.3 $(BIN)/python -m pytest -qq -n 2 tests/core tests/cli -m "not slow" --deselect tests/core/test_machine.py --cov=callrouter.core --cov-report=term-missing --cov-fail-under=100
	@# three at a time: all that needs Asterisk is one worker's and mostly waits, so does the one with Chromium
	$(BIN)/python -m pytest -n 3 --durations=10

sim: $(VENV)/dev.stamp ## break everything on purpose, in virtual time; SEED=17 repeats a world, SHRINK=1 shortens one that fails
	@$(BIN)/python -m tests.chaos $(SEED) $(if $(SHRINK),--shrink) $(if $(TRACE),--trace $(TRACE)) $(if $(FAULTS),--faults '$(FAULTS)')

soak: $(VENV)/dev.stamp ## the same with fresh seeds until it is stopped; JOBS=2 at a time
	@$(BIN)/python -m tests.chaos --soak $(if $(JOBS),--jobs $(JOBS))

lab: $(VENV)/dev.stamp ## the real three-site network, for hand work
	sh tests/asterisk/install.sh
	$(BIN)/python -m tests.asterisk.lab

bench: $(VENV)/dev.stamp ## side-by-side measurements into bench/results
	sh tests/asterisk/install.sh
	$(BIN)/python -m bench

lock: $(VENV)/dev.stamp ## lock the dependencies (needs uv); UPGRADE=--upgrade takes newer ones
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header $(UPGRADE) pyproject.toml -o requirements/run.txt
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header $(UPGRADE) --group dev pyproject.toml -o requirements/dev.txt

texts: $(VENV)/dev.stamp ## bring the English catalogue up to date with the texts in code and templates
	$(BIN)/python -m callrouter.i18n.extract

dashboards: $(VENV)/dev.stamp ## the JSON of deploy/grafana from its code
	$(BIN)/python -m deploy.grafana

pictures: $(VENV)/dev.stamp ## docs/report.png, the report of a simulated day, and docs/pictures, the pages of the running demo
	sh tests/chromium.sh
	$(BIN)/python -m tests.report.picture
	$(BIN)/python -m tests.pages.pictures

fmt: $(VENV)/dev.stamp ## format and sort imports
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean: ## remove what the targets made
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build dist var
