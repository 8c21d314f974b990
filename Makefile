# make demo and make test need Python 3.11 or newer and nothing else: all else is
# installed into .venv.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
OUT ?= out/demo
ROUNDS ?= 300
SOURCES := pyproject.toml $(wildcard proto/*.py proto/comlad/v1/*.proto)

.PHONY: help demo cluster-demo test cluster-test check fuzz format proto bandwidth bench reproduction \
  robustness clean

help:
	@echo "make demo    train on real images with three liars among ten devices"
	@echo "make cluster-demo  the same in containers: a server, ten devices, a figure; Docker"
	@echo "make test    all tests, but for"
	@echo "make cluster-test  those of the containers: some minutes, Docker"
	@echo "make check   formatting, linting, types, layers"
	@echo "make fuzz    a million mutated messages: two minutes"
	@echo "make robustness    every rule against every attack again, into docs: some minutes"
	@echo "make reproduction  two papers' figures and claims again, into docs: twenty minutes"
	@echo "make bandwidth     what methods send, and on narrow links, again, into docs: ten minutes, root"
	@echo "make bench   speed, side by side"
	@echo "make proto   generate the protobuf code again, after a change"
	@echo "make format  format the sources"

demo: $(VENV)/.lab
	$(BIN)/comlad demo --out $(OUT) --rounds $(ROUNDS)

# A Docker engine and docker compose, or docker-compose from 1.29 on; no Python.
cluster-demo:
	deploy/compose/demo.sh

test: $(VENV)/.dev
	@echo "without the tests of containers, which need Docker: make cluster-test"
	$(BIN)/pytest -n 2 --dist worksteal

cluster-test: $(VENV)/.dev
	$(BIN)/pytest -m docker tests/deploy/test_cluster_demo.py

check: $(VENV)/.dev
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

bench: $(VENV)/.dev
	$(BIN)/python -m bench.rounds
	$(BIN)/python -m bench.per_process
	$(BIN)/python -m bench.aggregators
	$(BIN)/python -m bench.wire
	$(BIN)/python -m bench.memory
	$(BIN)/python -m bench.hostile
	$(BIN)/python -m bench.soak

fuzz: $(VENV)/.dev
	$(BIN)/python tests/fuzz.py

robustness: $(VENV)/.dev
	$(BIN)/python -m bench.robustness

# Pages link to pictures beside them; docs/ keeps those one directory further down.
reproduction: $(VENV)/.lab
	$(BIN)/comlad reproduce all --out out/reproduction
	mkdir -p docs/reproduction
	cp out/reproduction/fig*.png out/reproduction/fig*.json docs/reproduction/
	cp out/reproduction/dm21*.png out/reproduction/dm21.json docs/reproduction/
	sed 's|](\(fig\|dm21\)|](reproduction/\1|' out/reproduction/reproduction.md > docs/reproduction.md

# Linux and root, for the namespaces; a quiet machine, for the seconds.
bandwidth: $(VENV)/.lab
	$(BIN)/comlad bandwidth --namespaces --out out/bandwidth
	$(BIN)/comlad bandwidth --uplink 1mbit,10mbit,100mbit --out out/bandwidth
	mkdir -p docs/bandwidth
	cp out/bandwidth/bandwidth*.png out/bandwidth/links-seconds.png out/bandwidth/*.json docs/bandwidth/
	sed 's|](\([a-z]*-[a-z]*\.png\))|](bandwidth/\1)|' out/bandwidth/bandwidth.md > docs/bandwidth.md

format: $(VENV)/.dev
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

proto: $(VENV)/.dev
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m hatchling build --target wheel --hooks-only

clean:
	rm -rf $(VENV) out

$(VENV)/.python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "$(PYTHON) is not Python 3.11 or newer; try make PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"
	@touch $@

# A change of a .proto file installs again, which generates its code again.
$(VENV)/.lab: $(VENV)/.python $(SOURCES)
	$(BIN)/python -m pip install --quiet --editable ".[lab]"
	@touch $@

$(VENV)/.dev: $(VENV)/.lab
	$(BIN)/python -m pip install --quiet --group dev
	@touch $@
