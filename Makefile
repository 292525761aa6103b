# `make demo` and `make test` are the two commands of the README. Everything they need goes into .venv/.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
comma := ,

.PHONY: demo test browser lint types ci bench lower-bounds packages release constraints site clean

$(VENV)/.installed $(VENV)/.command: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "rumbleup_async needs Python 3.11 or newer; call: make PYTHON=python3.11 $(MAKECMDGOALS)")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[$(if $(findstring command,$@),cli,test$(comma)lint)]'
	@touch $@

# For the demonstration the command alone is enough, which is there in a small part of the time.
demo: $(or $(wildcard $(VENV)/.installed),$(VENV)/.command)
	@$(BIN)/rumbleup demo

test: $(VENV)/.installed
	$(BIN)/python -m pytest -n 3 --dist worksteal

# The live page in Chromium, which must be there: Debian has it as the package chromium.
browser: $(VENV)/.installed
	$(BIN)/python -m pytest tests/browser/watching.py tests/browser/reporting.py tests/browser/reading.py

lint: $(VENV)/.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.installed
	$(BIN)/mypy

ci: lint types test

bench: $(VENV)/.installed
	$(BIN)/python -m benchmarks $(if $(QUICK),--quick)

lower-bounds: $(VENV)/.installed
	$(BIN)/python -m tests.lower_bounds $(foreach python,$(PYTHONS),--python $(python))

# Wheel and sdist in dist/, looked into and installed alone into empty environments.
packages: $(VENV)/.release
	$(BIN)/python -m tests.packages $(foreach python,$(PYTHONS),--python $(python))

release: $(VENV)/.release
	$(BIN)/python -m tests.packages --release $(if $(UNAUDITED),--unaudited) $(foreach python,$(PYTHONS),--python $(python))

constraints:
	$(PYTHON) -m tests.constraints

# The documentation as a site: build/site/index.html.
site: $(VENV)/.docs
	$(BIN)/python -m tests.site

$(VENV)/.release $(VENV)/.docs: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[$(patsubst .%,%,$(notdir $@))]'
	@touch $@

clean:
	rm -rf $(VENV) build dist .bench .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
