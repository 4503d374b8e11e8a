# Two commands matter: `make demo` (a network is pruned and evaluated) and `make test` (the whole suite).
# Both make the virtual environment .venv with pinned versions when it is not there, and need nothing else.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
GOLDEN ?= $(or $(CRISP_HW_GOLDEN),../shared/golden)

.PHONY: help install demo test docker-check lint golden clean

help:
	@echo "make demo    prune a small CNN on real digits, evaluate it on four accelerators (demo-out/)"
	@echo "make test    the whole test suite"
	@echo "make docker-check  the steps of the slim image without Docker: install, then a golden design to the digit"
	@echo "make lint    ruff, mypy --strict, import-linter"
	@echo "make golden  compare the engine with recorded timeloop-model cases (GOLDEN=folder of *.jsonl.gz)"
	@echo "make clean   remove .venv and everything generated"

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $(STAMP)

install: $(STAMP)

demo: $(STAMP)
	$(BIN)/python examples/digits.py --out demo-out
	$(BIN)/crisp-hw evaluate --masks demo-out/run.pt --arch dense --arch stc --arch dstc --arch crisp-stc --out demo-out
	$(BIN)/crisp-hw describe demo-out/run.pt --layer stage2.conv --picture demo-out/mask.png

test: $(STAMP)
	$(BIN)/python -m pytest -n 2

# needs no .venv: it makes an environment of its own and removes it
docker-check:
	docker/check.sh

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

golden: $(STAMP)
	$(BIN)/crisp-hw validate $(filter-out %/mapper.jsonl.gz,$(wildcard $(GOLDEN)/*.jsonl.gz))

clean:
	rm -rf $(VENV) demo-out .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
