# The study as files that depend on files: make builds what is missing or older than its sources, and nothing else.
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

PROFILE ?= quick
PYTHON ?= python3

ifeq ($(filter $(PROFILE),quick tuning pilot full),)
$(error PROFILE=$(PROFILE) is unknown: choose PROFILE=quick, tuning, pilot or full)
endif

export FOURIERCONV_BUILD := build
RUN := .venv/bin/python
STUDY := $(RUN) -m fourierconv.study
PROFILES := $(sort quick $(PROFILE)) # the book's first chapters are of quick runs, whatever is asked for besides
TABLES := build/results/$(PROFILE)
STAMPS := $(PROFILES:%=build/stamps/tables-%)
FIGURES := build/figures/$(PROFILE)
SITE := book/_build/html/index.html
# A processor each, with its own tests; a worker holds up to a gigabyte.
PYTEST := $(RUN) -m pytest -n logical --maxprocesses 4 --dist worksteal

PACKAGE := .venv/installed $(shell find fourierconv -type f -not -name '*.pyc')
COMMITTED := $(shell find book/results -type f 2>/dev/null)
PROSE := $(wildcard book/*.yml book/*.md book/*.bib) $(shell find book/_static book/_ext -type f -not -name '*.pyc')
NOTEBOOKS := $(sort $(wildcard notebooks/*.ipynb))
EXECUTED := $(NOTEBOOKS:notebooks/%=build/notebooks/$(PROFILE)/%)

.PHONY: help
help: ## this list
	@echo 'usage: make TARGET [PROFILE=quick|tuning|pilot|full] [PYTHON=python3]'
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-10s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

.PHONY: reproduce
reproduce: $(SITE) ## everything: environment, runs, tables, notebooks, book; then the claims, expected and got
	@status=0; for profile in $(PROFILES); do $(STUDY) check --profile $$profile || status=$$?; done; \
	echo 'The book starts at $(CURDIR)/$(SITE)'; exit $$status

.PHONY: test
test: .venv/installed ## the tests of the package and of the study
	$(PYTEST)

.PHONY: test-all
test-all: test ## all of the tests: thousands of cases more, and an installation where there is torch alone
	$(PYTEST) -m full

.PHONY: test-book
test-book: .venv/installed ## opens every page of the built book in Chromium, wide and at phone width
	$(PYTEST) tests/book/check_pages.py

.PHONY: faults
faults: .venv/installed ## kills sweeps, fills their disk, damages their files, in four minutes: the tables stay the same
	$(RUN) -m pytest tests/faults/check_faults.py

.PHONY: gpu
gpu: .venv/installed ## checks and times the layers on a CUDA device, in nine minutes; says so where there is none
	@# where Python has torch, numpy, pandas, scipy, matplotlib, pytest, hypothesis and safetensors already, nothing
	@# need be installed: python3 -m fourierconv.study gpu
	$(STUDY) gpu --runs

.PHONY: bench
bench: .venv/installed ## times the engines and what else computes a convolution, an hour; goes on where it was stopped
	$(STUDY) bench
	$(STUDY) sequences

.PHONY: bench-check
bench-check: .venv/installed ## times a few cells anew, in ten minutes, and says which bounds hold
	$(STUDY) bench --check

.PHONY: book
book: $(SITE) ## the book, in book/_build/html

.PHONY: serve
serve: $(SITE) ## serves the book on this machine's port 8000
	$(RUN) -m http.server --bind 127.0.0.1 --directory $(dir $(SITE)) 8000

.PHONY: results
results: build/stamps/tables-$(PROFILE) ## replaces the committed tables, and the README's, by those of this machine's runs
	$(STUDY) collect --profile $(PROFILE) --replace-committed
	$(STUDY).readme

.PHONY: lint
lint: .venv/installed ## ruff and mypy
	$(RUN) -m ruff check
	$(RUN) -m ruff format --check
	$(RUN) -m mypy

.PHONY: clean
clean: ## removes the book, the executed notebooks, figures and tables; finished runs and drawn images stay
	rm -rf book/_build build/book build/book.log build/site build/notebooks build/figures build/results build/stamps

# The pins are installed into an empty environment, so that nothing of an older list stays behind.
.venv/pins: requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	echo "error: PYTHON=$(PYTHON) is $$($(PYTHON) --version 2>&1), and 3.11 or newer is needed" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	echo 'error: PYTHON=$(PYTHON) has no venv module (Debian and Ubuntu: apt install python3-venv)' >&2; exit 1; }
	$(PYTHON) -m venv --clear .venv
	$(RUN) -m pip install --quiet --disable-pip-version-check -r requirements.lock
	touch $@

.venv/installed: .venv/pins pyproject.toml
	$(RUN) -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $@

# The run store decides what is missing, so it is always asked. Whatever depends on the tables is rebuilt
# only when their content changes: the stamp is their checksum, and keeps its time while that stays the same.
.PHONY: FORCE
FORCE:
build/stamps/tables-%: .venv/installed FORCE
	$(if $(filter-out quick,$*),$(STUDY) data)
	$(STUDY) run --profile $*
	$(STUDY) collect --profile $*
	@mkdir -p $(@D)
	@find build/results/$* -type f | LC_ALL=C sort | xargs cksum > $@.new
	@if cmp -s $@.new $@; then rm $@.new; else mv $@.new $@; fi

# What another profile has no runs of is shown by the quick ones, so those are collected first.
$(filter-out build/stamps/tables-quick,$(STAMPS)): build/stamps/tables-quick

# A new version of the package, even of a plot, executes the notebooks again; it never trains again.
build/notebooks/$(PROFILE)/%.ipynb: notebooks/%.ipynb $(STAMPS) $(PACKAGE) $(COMMITTED)
	$(STUDY).execute $< $@ -p profile $(PROFILE)

# The site is of one profile at a time; this stamp is newer than the site when the other one is asked for.
build/stamps/profile: FORCE
	@mkdir -p $(@D)
	@echo $(PROFILE) | cmp -s - $@ || echo $(PROFILE) > $@

# Sphinx warns about a page only when it reads it, so a page that failed once must be read again: always from scratch.
# The site is moved into place when it is whole; what stands there before is of the last build that succeeded.
$(SITE): $(PROSE) $(PACKAGE) $(EXECUTED) build/stamps/profile $(STAMPS)
	rm -rf build/book build/site
	mkdir -p build/book/notebooks $(FIGURES)
	cp -R $(wildcard book/*.yml book/*.md book/*.bib) book/_static book/_ext $(TABLES)/values.json build/book
	cp $(EXECUTED) build/book/notebooks
	cp -R $(FIGURES) build/book/figures
	.venv/bin/jupyter-book build -W -n --keep-going -q --path-output build/site build/book > build/book.log
	rm -rf book/_build
	mv build/site/_build book/_build
