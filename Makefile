# Every target sets up what it needs: Python 3.11 or newer, git and make are enough.
SHELL := /bin/bash
VENV ?= .venv
STAMP := $(VENV)/.installed
ARGS ?=
PROMPT ?= a red ball with white polka dots drifting left on green grass

# Newer Pythons install too; 3.11 comes first because the lock was tested with it.
PYTHONS := $(PYTHON) python3.11 python3 python3.12 python3.13 python3.14

# glibc returns large blocks to the system and faults them in again, page by page; keeping them makes
# elementwise work on video-sized tensors several times faster.
export MALLOC_MMAP_MAX_ := 0
export MALLOC_TRIM_THRESHOLD_ := 100000000000
export MALLOC_TOP_PAD_ := 67108864

.DEFAULT_GOAL := help
.PHONY: help setup demo test browser lab course readme lint lock clean

help: ## Show this list
	@grep -E '^[a-z]+:.*##' $(firstword $(MAKEFILE_LIST)) | sed -E 's/^([a-z]+):.*## /  make \1\t/' | expand -t 18

setup: $(STAMP) ## Install everything into .venv (the other targets do it by themselves)

# The stamp is younger than the lock and pyproject.toml: nothing to do.
$(STAMP): requirements.lock pyproject.toml
	@if ! $(VENV)/bin/python -c '' 2>/dev/null; then \
	  for candidate in $(PYTHONS); do \
	    if "$$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then python=$$candidate; break; fi; \
	  done; \
	  if [ -z "$${python:-}" ]; then \
	    echo "No Python 3.11 or newer was found (looked for: $(strip $(PYTHONS)))." >&2; \
	    echo "Install one, or name it: make $(or $(MAKECMDGOALS),setup) PYTHON=/path/to/python3.11" >&2; exit 2; \
	  fi; \
	  if ! "$$python" -c 'import ensurepip, venv' 2>/dev/null; then \
	    echo "$$python has no venv module. On Debian and Ubuntu: sudo apt install python3-venv" >&2; exit 2; \
	  fi; \
	  echo "Setting up $(VENV) with $$("$$python" --version); the first time takes some minutes."; \
	  rm -rf $(VENV); "$$python" -m venv $(VENV); \
	fi
	$(VENV)/bin/python -m pip install --disable-pip-version-check -r requirements.lock
	$(VENV)/bin/python -m pip install --disable-pip-version-check --no-deps --quiet -e .
	@touch $@

demo: $(STAMP) ## Make a video from a prompt, and a real clip four times larger
	@mkdir -p outputs
	$(VENV)/bin/python -m cvsr generate "$(PROMPT)" outputs/generated.mp4 --compare
	$(VENV)/bin/python -m cvsr upscale data/clips/demo.mp4 outputs/upscaled.mp4 --compare
	@echo; echo "Your videos:"; ls -1 $(CURDIR)/outputs/*.mp4

test: export OMP_NUM_THREADS ?= 2
test: export HF_HUB_OFFLINE := 1
test: $(STAMP) ## Run every test, the lessons included (ARGS="-k video" picks some)
	$(VENV)/bin/python -m pytest tests $(ARGS)

browser: export HF_HUB_OFFLINE := 1
browser: $(STAMP) ## Run every lesson in JupyterLab in headless Chromium and turn its explorers
	$(VENV)/bin/python -m pip install --disable-pip-version-check --quiet -e ".[browser]"
	$(VENV)/bin/python -m pytest tests/notebooks/test_browser.py $(ARGS)

lab: $(STAMP) ## Open the lessons in JupyterLab
	$(VENV)/bin/jupyter lab --notebook-dir=. notebooks/00_quickstart.ipynb

course: export HF_HUB_OFFLINE := 1
course: $(STAMP) ## Render the course as offline pages in outputs/course (ARGS="--profile smoke": sooner)
	$(VENV)/bin/python -m cvsr.notebook.course notebooks outputs/course $(ARGS)

readme: $(STAMP) ## Make the README's picture and tables anew, from the shipped weights and data/results
	$(VENV)/bin/python -m cvsr.notebook.showcase "$(PROMPT)" data/clips/demo.mp4 data/pictures/demo.png
	$(VENV)/bin/python -m cvsr.notebook.readme

lint: $(STAMP) ## Check the style of code and notebooks
	$(VENV)/bin/ruff check .
	$(VENV)/bin/pre-commit validate-config
	$(VENV)/bin/nbstripout --verify --extra-keys "metadata.papermill metadata.widgets" notebooks/*.ipynb

# In an environment of its own, so that the lock holds what pyproject.toml asks for and nothing else.
lock: ## Write requirements.lock anew from pyproject.toml
	rm -rf build/lock && python3 -m venv build/lock
	build/lock/bin/pip install --quiet -e ".[dev,metrics]"
	(head -n 1 requirements.lock; build/lock/bin/pip freeze --exclude-editable | sed 's/+.*//') > build/new.lock
	mv build/new.lock requirements.lock && rm -rf build/lock

clean: ## Remove outputs and caches, but not .venv
	rm -rf outputs runs build lightning_logs .pytest_cache .ruff_cache .hypothesis
