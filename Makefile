# `make demo` runs the main job, `make test` runs everything; both set themselves up on a fresh machine.
PYTHON ?= python3
BIN := .venv/bin
STAMPS := .venv/.stamps
# The peers that geometry and projector are tested against; their full lists would bring another torch.
PEERS := 'diffdrr>=0.6' 'einops>=0.8' 'fastcore>=1.7' 'roma>=1.5' 'torchio>=1' deprecated wrapt humanize jaxtyping \
	wadler_lindig pandas nibabel platformdirs 'nanodrr>=0.1' 'itk-twoprojectionregistration>=2'
export OMP_NUM_THREADS ?= 2
export QT_QPA_PLATFORM ?= offscreen

.PHONY: demo test lint format bench clean
.DEFAULT_GOAL := test

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "XRay3D needs Python 3.11 or newer")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade pip

$(STAMPS)/demo: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --editable '.[slicer]'
	@mkdir -p $(STAMPS) && touch $@

# torch first: another package must not choose its build.
$(STAMPS)/test: pyproject.toml Makefile | $(BIN)/python
	$(BIN)/python -m pip install --quiet torch==2.13.0
	$(BIN)/python -m pip install --quiet --editable '.[slicer,train,gpu,test]'
	$(BIN)/python -m pip install --quiet --no-deps $(PEERS)
	@mkdir -p $(STAMPS) && touch $@

demo: $(STAMPS)/demo
	$(BIN)/xray3d demo --output build/demo

# Two processes of one thread each: more threads than cores only wait for each other.
test: $(STAMPS)/test lint
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadfile

lint: $(STAMPS)/test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(STAMPS)/test
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(STAMPS)/test
	$(BIN)/xray3d bench

clean:
	rm -rf .venv build
