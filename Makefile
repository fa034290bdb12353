# Every command that a person types. `make help` lists them; each target is at most a few lines.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
LINT_PATHS := storage models platform deploy tests docs

# An experiment's sweep with three seeds; the name of each ends in its seed.
seeds = set -e; for seed in 0 1 2; do $(BIN)/acutance sweep experiments/$(1)/sweep.yaml --set seed=$$seed --name $(1)-$$seed --resume auto; done

# A test that outlasts its time limit by five minutes is stuck where no signal reaches it (in a C call):
# the stacks of its process are printed and the run ends, where it would otherwise hang for ever.
stuck := -o faulthandler_timeout=900 -o faulthandler_exit_on_timeout=true --max-worker-restart 0

.DEFAULT_GOAL := help
.PHONY: help install test-gpu demo sweep quickstart experiment campaign-experiments toy-bars enhancenet-losses esrgan-interpolation srfeat-discriminators test campaign bench bench-bookkeeping bench-dashboard bench-overhead bench-replay bench-store bench-tracking services services-down cluster cluster-up cluster-down lint types layers format docs dashboard-pictures golden clean

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 24

install: $(STAMP)  ## make the environment in .venv (Python 3.11+, a package registry, nothing else)

$(STAMP): constraints.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "acutance needs Python 3.11 or newer; this is $$($(PYTHON) --version). Try: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 2; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $(STAMP)

demo: install  ## a 4-trial sweep of seconds, with the same ending as `sweep`
	$(BIN)/acutance sweep experiments/demo/sweep.yaml --resume auto

sweep: install  ## the flagship: networks x loss mixes, PSNR against looks, on the shipped photographs
	$(BIN)/acutance sweep experiments/flagship/sweep.yaml --resume auto

quickstart: install  ## pixels alone: x2 search over three architectures, a few minutes
	$(BIN)/acutance sweep experiments/quickstart/sweep.yaml --resume auto

experiment: install  ## the experiment NAME: its sweeps, results, tables and figures (AGAIN=1: anew)
	$(BIN)/acutance experiment experiments/$(NAME) $(if $(wildcard ../shared/data),--pictures ../shared/data) $(if $(AGAIN),--again)

campaign-experiments: install  ## every experiment whose results are not there yet, one after the other
	set -e; for file in experiments/*/experiment.yaml; do $(MAKE) --no-print-directory experiment NAME=$$(basename $$(dirname $$file)); done

toy-bars: install  ## EnhanceNet's toy example: its sweep, table and figure (about a minute)
	$(BIN)/acutance sweep experiments/toy-bars/sweep.yaml --resume auto
	$(BIN)/python tests/helpers/toy_bars.py figure toy-bars

enhancenet-losses: install  ## EnhanceNet's six loss mixes over three seeds: sweeps, table, figure
	$(call seeds,$@)
	$(BIN)/python tests/helpers/enhancenet_losses.py $@-0 $@-1 $@-2

esrgan-interpolation: install  ## networks mixed beside pictures mixed, three seeds (trainings: 8 CPU-minutes)
	$(call seeds,$@)
	$(BIN)/python tests/helpers/interpolation_curves.py $@-0 $@-1 $@-2

srfeat-discriminators: install  ## discriminators of pictures, of features, of both, three seeds (trainings: 10 CPU-minutes)
	$(call seeds,$@)
	$(BIN)/python tests/helpers/feature_judges.py $@-0 $@-1 $@-2

test: install  ## every test that is not marked `long` or `gpu`, in three processes
	$(BIN)/python -m pytest -m "not long and not gpu" -n 3 --dist loadfile --no-loadscope-reorder $(stuck)

test-gpu: install  ## the tests marked `gpu` on the cards of this machine; writes docs/evidence/CARD.json
	$(BIN)/python -m pytest -m gpu --timeout 1800

campaign: install  ## the `long` tests; each writes its result to docs/evidence/
	$(BIN)/python -m pytest -m long --timeout 7200

bench: install  ## images per CPU-second: our loader beside a plain PNG-folder loader
	$(BIN)/python tests/benchmarks/loader.py

bench-bookkeeping: install  ## what checkpoints and the journal cost beside the quickstart's steps
	$(BIN)/python tests/benchmarks/bookkeeping.py

bench-overhead: install  ## what a sweep costs beside trainings that sleep: wall time, the driver's CPU
	$(BIN)/python tests/benchmarks/overhead.py
	$(BIN)/python tests/benchmarks/overhead.py --seconds 0 --trials 100 1000

bench-replay: install  ## searches on recorded curves: ours beside random, NSGA-II, Ray, MOASHA (Syne Tune in .venv-syne-tune)
	test -x .venv-syne-tune/bin/python || { $(PYTHON) -m venv .venv-syne-tune && .venv-syne-tune/bin/pip install --quiet syne-tune==0.16.0; }
	$(BIN)/python tests/benchmarks/replay/replay.py --syne-tune .venv-syne-tune/bin/python

bench-dashboard: install  ## pages of sweeps of 1,000 and 10,000 trials: start, medians, memory
	$(BIN)/python tests/benchmarks/dashboard.py

bench-store: install  ## the store beside plain boto3 on one S3 server: large blobs, small files
	$(BIN)/python tests/benchmarks/store.py

bench-tracking: install  ## the recorder beside bare MLflow calls on one server: 64 trials, SQLite and PostgreSQL
	$(BIN)/python tests/benchmarks/tracking.py
	$(BIN)/python tests/benchmarks/tracking.py --backend postgresql

services:  ## an S3-compatible object store on this machine (Swift); prints what to export
	@SWIFT_PYTHON=$(PYTHON) SWIFT_VENV=$(CURDIR)/.venv-services deploy/services/swift.sh start .services/swift

services-down:  ## stop it; what it holds stays in .services
	SWIFT_VENV=$(CURDIR)/.venv-services deploy/services/swift.sh stop .services/swift

cluster: install  ## PostgreSQL, S3, MLflow, a Ray head and two nodes; the flagship there, one node killed
	$(BIN)/python deploy/services/cluster.py rehearse

cluster-up: install  ## the same cluster without a sweep; prints what to source
	$(BIN)/python deploy/services/cluster.py start

cluster-down: install  ## end all that `make cluster` started; WIPE=1 removes what it holds as well
	$(BIN)/python deploy/services/cluster.py stop $(if $(WIPE),--wipe)

lint: install  ## ruff, checks only
	$(BIN)/ruff check $(LINT_PATHS)
	$(BIN)/ruff format --check $(LINT_PATHS)

types: install  ## mypy --strict on the packages
	$(BIN)/mypy

layers: install  ## import-linter: dependencies one way
	$(BIN)/lint-imports

format: install  ## let ruff rewrite what it can
	$(BIN)/ruff check --fix $(LINT_PATHS)
	$(BIN)/ruff format $(LINT_PATHS)

docs: install  ## write docs/reference and the tables of docs/systems from the code
	$(BIN)/python docs/generate.py

dashboard-pictures: install  ## take the README's pictures of the dashboard, after `make sweep`
	PYTHONPATH=tests/helpers:deploy/services $(BIN)/python tests/helpers/dashboard_pictures.py docs/pictures

golden: install  ## rewrite the golden values of the components (review the diff)
	$(BIN)/python tests/helpers/golden_components.py

clean:  ## remove the environment and caches; your results in .acutance stay
	rm -rf $(VENV) .venv-services .venv-syne-tune .venv-services.lock .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis dist build
	find storage models platform tests -name __pycache__ -prune -exec rm -rf {} +
