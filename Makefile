# Two commands matter: `make demo` (a network is pruned and evaluated) and `make test` (the test suite).
# Both make the virtual environment .venv with pinned versions when it is not there, and need nothing else.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
DEMO_STAMP := $(if $(wildcard $(STAMP)),$(STAMP),$(VENV)/.installed-demo)
GOLDEN ?= $(or $(CRISP_HW_GOLDEN),../shared/golden)
# EXTRA names what is installed beside the package; WHEEL=file.whl installs that wheel and tests it, not the checkout
EXTRA ?= dev
WHEEL ?=
# TORCH_INDEX is one more index to look for PyTorch in, such as the public one of its builds for the CPU (docs/install.md)
TORCH_INDEX ?=
INSTALL = $(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt \
	$(if $(TORCH_INDEX),--extra-index-url '$(TORCH_INDEX)') $(if $(WHEEL),'$(WHEEL)[$(1)]',--editable '.[$(1)]')
DIST ?= dist
BUILD := .venv-build
JOBS ?= auto
ifdef WHEEL
SUITE := CRISP_HW_INSTALLED=1 PYTHONSAFEPATH=1 $(BIN)/pytest -n $(JOBS) tests tools --pyargs crisp_hw crisp_prune
else
SUITE := $(BIN)/pytest -n $(JOBS)
endif

.PHONY: help install demo quick test long coverage docker-check image-check docs notebooks lint golden characterize wheel dist benchmark clean

help:
	@echo "make demo    prune a small CNN on real digits, evaluate it on four accelerators (demo-out/)"
	@echo "make quick   the tests that take no time: two to three minutes"
	@echo "make test    the test suite (some minutes)"
	@echo "make long    everything: seeds, fuzzed inputs, large spaces, coverage, the image (hours); writes tests/long.json"
	@echo "make coverage  the test suite, and the share of branches that it takes"
	@echo "make docker-check  the steps of the slim image without Docker: install, then a golden design to the digit"
	@echo "make image-check  both images built and run: Docker, Podman, or Debian's buildah and debootstrap as root"
	@echo "make lint    ruff, mypy --strict, import-linter"
	@echo "make golden  compare the engine with recorded timeloop-model cases (GOLDEN=folder of *.jsonl.gz)"
	@echo "make benchmark  measure again, and compare with the results kept in benchmarks/results/"
	@echo "make characterize  ask CACTI for the committed energies again (Python 3.12, a C++ compiler; two hours)"
	@echo "make docs    build the site strictly into build/site, without the network"
	@echo "make notebooks  execute docs/notebooks again and keep their outputs"
	@echo "make wheel   build the wheel into dist/"
	@echo "make dist    build the source and its wheel into dist/, and check what an index would show (CRISP_HW_URL)"
	@echo "TORCH_INDEX=address  with make demo and others: one more index to look for PyTorch in"
	@echo "make clean   remove .venv and everything generated"

$(STAMP): pyproject.toml constraints.txt $(WHEEL)
	@echo "installing crisp-hw and what its tests need into $(VENV); a few minutes, in silence"
	$(PYTHON) -m venv $(VENV)
	$(call INSTALL,$(EXTRA))
	@touch $(STAMP)

# what the demo needs, and no more; an environment that has everything will do
$(VENV)/.installed-demo: pyproject.toml constraints.txt $(WHEEL)
	@echo "1 of 2: installing crisp-hw and PyTorch into $(VENV); a minute or two, in silence"
	$(PYTHON) -m venv $(VENV)
	$(call INSTALL,demo)
	@touch $@

install: $(STAMP)

# where it is built for CUDA, libraries of the same size and more lie beside it
TORCH_MB = $$(du -smc $(VENV)/lib/python*/site-packages/torch $(VENV)/lib/python*/site-packages/nvidia \
	$(VENV)/lib/python*/site-packages/triton 2> /dev/null | tail -1 | cut -f1)

demo: $(DEMO_STAMP)
	@echo "2 of 2: training, pruning and evaluating; half a minute"
	$(BIN)/python examples/digits.py --out demo-out
	$(BIN)/crisp-hw evaluate --masks demo-out/run.pt --arch dense --arch stc --arch dstc --arch crisp-stc --out demo-out
	$(BIN)/crisp-hw describe demo-out/run.pt --layer stage2.conv --picture demo-out/mask.png
	@echo "the environment $(VENV) takes $$(du -sm $(VENV) | cut -f1) MB, $(TORCH_MB) MB of them PyTorch"

quick: $(STAMP)
	$(SUITE) --hypothesis-profile=quick -m 'not (slow or process or train or fuzz or docker or long)' $(if $(ONLY),-k '$(ONLY)')

test: $(STAMP)
	$(SUITE)

coverage: $(STAMP)
	$(SUITE) --cov --cov-report=term:skip-covered

long: $(STAMP)
	$(BIN)/python tools/long_run.py --out tests/long.json

benchmark: $(STAMP)
	$(BIN)/python benchmarks/compare.py

# pages of docs/, README and what tools/site_hooks.py makes of the code; every warning fails
docs: $(STAMP)
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict

notebooks: $(STAMP)
	$(BIN)/python tools/notebooks.py $(wildcard docs/notebooks/*.ipynb)

# in a build environment of its own, as who installs the source would build it
wheel:
	@$(PYTHON) -m pip wheel --quiet --disable-pip-version-check --no-deps --wheel-dir $(DIST) .

# what is published: the source, and the wheel built from that source; in an environment of its own
dist: $(BUILD)/.installed
	$(BUILD)/bin/python -m build --outdir $(DIST) .
	$(BUILD)/bin/python -m twine check --strict $(DIST)/*.tar.gz $(DIST)/*.whl

$(BUILD)/.installed: constraints.txt
	$(PYTHON) -m venv $(BUILD)
	$(BUILD)/bin/pip install --quiet --disable-pip-version-check --constraint constraints.txt build twine
	@touch $@

# needs no .venv: it makes an environment of its own and removes it
docker-check:
	docker/check.sh

image-check:
	docker/image-check.sh

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

golden: $(STAMP)
	$(BIN)/crisp-hw validate $(filter-out %/mapper.jsonl.gz,$(wildcard $(GOLDEN)/*.jsonl.gz))

# CACTI comes from CRISP_HW_CACTI (the folder hwcomponents_cacti of an environment that has it), or is built into .venv-cacti
CACTI_PYTHON ?= python3.12
CACTI_STAMP := .venv-cacti/.installed
ENERGY := arch/energy

$(CACTI_STAMP):
	$(CACTI_PYTHON) -m venv .venv-cacti
	.venv-cacti/bin/pip install --quiet --no-binary hwcomponents-cacti hwcomponents==1.0.114 hwcomponents-cacti==1.0.40
	@touch $(CACTI_STAMP)

characterize: $(STAMP) $(if $(CRISP_HW_CACTI),,$(CACTI_STAMP))
	export CRISP_HW_CACTI="$${CRISP_HW_CACTI:-$$(echo .venv-cacti/lib/python3*/site-packages/hwcomponents_cacti)}"; \
	$(BIN)/python tools/energy_tables/cacti_parts.py --out $(ENERGY)/cacti-45nm.yaml && \
	$(BIN)/python tools/energy_tables/fabric.py --out $(ENERGY)/fabric-45nm.yaml && \
	$(BIN)/python tools/energy_tables/make_grid.py --out $(ENERGY)/sram-grid.yaml && \
	$(BIN)/python tools/energy_tables/check_grid.py --asked 1000

clean:
	rm -rf $(VENV) $(BUILD) build dist demo-out .coverage .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
