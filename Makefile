# Two commands are enough on a fresh clone: `make demo` and `make test`.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
STAMP = $(VENV)/.locked

.PHONY: setup demo test quick lint fuzz bench clean

setup: $(STAMP)
	@$(BIN)/pip install -q --no-build-isolation --no-deps -e .

$(STAMP): requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(None if (3, 11) <= sys.version_info[:2] <= (3, 13) else "fhir2cdisc needs Python 3.11, 3.12 or 3.13; this is " + sys.version.split()[0] + ". Name another one: make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install -q --disable-pip-version-check --require-hashes -r requirements.lock
	@touch $(STAMP)

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check -q .
	$(BIN)/mypy

# All tests, in two processes of every other file.
test: lint
	@$(BIN)/python -m pytest --half 2 >$(VENV)/half.log 2>&1 & other=$$!; \
	trap 'kill $$other' INT TERM; \
	$(BIN)/python -m pytest --half 1; one=$$?; \
	wait $$other; two=$$?; cat $(VENV)/half.log; \
	exit $$((one || two))

# In some two minutes: without ruff, mypy, and the tests that simulate, run or check whole packages (marked `slow`).
quick: setup
	$(BIN)/python -m pytest -m "not slow"

# Simulates a trial (synthetic patients), runs it, checks the package and traces one result back to its resource.
demo: setup
	@rm -rf out/demo
	@$(BIN)/fhir2cdisc simulate lenvatinib-pembrolizumab --seed 1 --out out/demo/source
	@$(BIN)/fhir2cdisc run out/demo/source/fhir --study lenvatinib-pembrolizumab --out out/demo/package
	@echo
	@echo "Where the progression-free survival of one subject comes from:"
	@$(BIN)/fhir2cdisc trace out/demo/package ADTTE USUBJID=LENVA-PEMBRO-HB-01-0002 PARAMCD=PFS

fuzz: setup
	FHIR2CDISC_FUZZ=1 $(BIN)/python -m pytest -q

bench: setup
	$(BIN)/python -m benchmarks

clean:
	rm -rf .venv build out *.egg-info
