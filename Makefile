# Every target sets up .venv by itself when it is missing or out of date.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
INSTALLED = $(VENV)/.installed

# Real scans beside the checkout, if there are any; elsewhere the demo downloads the one it needs.
MICRODSD_DATA ?= $(abspath $(wildcard ../shared/data))
ifneq ($(MICRODSD_DATA),)
export MICRODSD_DATA
endif

.PHONY: demo test lint docs wheel setup clean

# The main job: generate at three porosities in 2D and 3D, verify, evaluate, write the report.
demo: $(INSTALLED)
	$(BIN)/microdsd demo -o out/demo

# Two processes with one thread each: more threads per process only wait for one another.
test: $(INSTALLED)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -n 2 --dist loadfile --durations=10

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python .ci/rooms.py
	$(BIN)/python .ci/english.py

# The site, without network; a warning, such as a broken link between pages, is an error.
docs: $(INSTALLED)
	$(BIN)/python -m sphinx -W --keep-going -q -d out/site-cache docs out/site

# The wheel and the sdist that it is built from, both checked.
wheel: $(INSTALLED)
	$(BIN)/python -m build --outdir dist .
	$(BIN)/python -m twine check --strict dist/*

setup: $(INSTALLED)

# The constraints pin torch: without them pip would take the newest CUDA build, several gigabytes.
$(INSTALLED): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install -c constraints.txt -e '.[dev]'
	touch $(INSTALLED)

clean:
	rm -rf $(VENV) build dist out .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
