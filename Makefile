# The commands of Digit Lab. Without make, or on Windows, see README.md.

PYTHON ?= python3
PORT ?= 8501
BENCHMARKS ?= $(patsubst benchmarks/%.py,%,$(filter-out benchmarks/_% benchmarks/handwriting.py benchmarks/robustness.py benchmarks/shipped.py benchmarks/writers.py,$(sort $(wildcard benchmarks/*.py))))

VENV := .venv
PY := $(VENV)/bin/python
UV := $(VENV)/uv/bin/python -m uv

.PHONY: help run test check bench lock clean app dev data
.NOTPARALLEL:
.SUFFIXES:

help:
	@echo "make run: set up and open Digit Lab (PORT=8501, PYTHON=python3); make test: set up, then every check and test"
	@echo "Also: make check (format, lint, types, imports), bench, lock (UPGRADE=1 for newer versions), clean"

run: app data
	@echo "Digit Lab is at http://localhost:$(PORT) (Ctrl-C ends it; make run PORT=8502 takes another port)"
	@$(PY) -m streamlit run streamlit_app.py --server.port $(PORT) --browser.serverAddress localhost --logger.hideWelcomeMessage true

# Files in the order of collection: tests/e2e, the long ones, first.
test: dev data check
	$(PY) -m pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder

check: dev
	$(PY) -m ruff format --check .
	$(PY) -m ruff check .
	$(PY) -m mypy
	$(PY) $(VENV)/bin/lint-imports --no-logo

# The scripts in benchmarks/ that need no file and no hours and change no run, or those named: BENCHMARKS="app"
bench: dev data
	@for name in $(BENCHMARKS); do echo "== $$name"; $(PY) -m benchmarks.$$name || exit; done

# Keeps the versions that still fit, unless UPGRADE=1.
lock:
	@$(UV) --version >/dev/null 2>&1 || { $(PYTHON) -m venv --clear $(VENV)/uv && $(VENV)/uv/bin/python -m pip install -q --disable-pip-version-check uv==0.13.9; }
	$(call compile,requirements) requirements.txt
	$(call compile,requirements-dev) -c requirements.lock requirements-dev.txt

compile = $(UV) pip compile -q --universal --python-version 3.11 --generate-hashes --custom-compile-command "make lock" $(if $(UPGRADE),--upgrade) -o $(1).lock

# What was trained and the copy of MNIST stay.
clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
	find . -name __pycache__ -not -path "./.git/*" -prune -exec rm -rf {} +

app:
	@$(call install,requirements.lock)

dev:
	@$(call install,requirements-dev.lock)

# Exit 2 is "no source has it", said in a sentence: the app starts all the same.
data: app
	@$(PY) -m mnist_core data || { [ $$? -eq 2 ] && echo "Going on without MNIST."; }

# Installs the lock $(1), unless .venv holds a copy of it: the copy is made when all is
# installed, so it says that nothing is left to do. requirements-dev.lock contains
# requirements.lock; a new requirements.lock outdates both.
define install
if cmp -s $(1) $(VENV)/$(1) && { $(CHOSEN); } 2>/dev/null; then exit; fi; \
if ! { $(CHOSEN) && $(PY) -c "$(SOUND)"; } 2>/dev/null; then \
    $(PYTHON) -c "import sys; sys.exit(not $(SUPPORTED))" 2>/dev/null || { echo "$(UNSUPPORTED)" >&2; exit 1; }; \
    echo "Making $(VENV) with $$($(PYTHON) -V)."; \
    $(PYTHON) -m venv --clear $(VENV) || exit 1; \
fi; \
rm -f $(VENV)/$(1) $(VENV)/requirements-dev.lock; \
echo "Installing $(1) into $(VENV): about 3 GB on disk; on a slow line this takes minutes."; \
$(PY) -m pip install $$([ -t 2 ] || echo -q) --disable-pip-version-check --require-hashes -r $(1) || exit 1; \
cp $(sort requirements.lock $(1)) $(VENV)/
endef

SUPPORTED := (3, 11) <= sys.version_info[:2] <= (3, 13)
UNSUPPORTED = Digit Lab needs Python 3.11, 3.12 or 3.13, but $(PYTHON) is $$($(PYTHON) -V 2>/dev/null || echo not installed). Name another: make $(or $(MAKECMDGOALS),run) PYTHON=python3.12

# Only PYTHON=... on the command line insists on its version; else any .venv of ours will do.
VERSION := import sys; print(sys.version_info[:2])
ifeq ($(origin PYTHON),command line)
CHOSEN := [ "$$($(PY) -c "$(VERSION)")" = "$$($(PYTHON) -c "$(VERSION)" || echo none)" ]
else
CHOSEN := $(PY) -c ""
endif

# pip writes a package's RECORD last: without one, its installation was cut short.
SOUND := import sys; from importlib.metadata import distributions; records = {d.name: d.read_text('RECORD') for d in distributions()}; sys.exit(not ($(SUPPORTED) and 'pip' in records and all(records.values())))
