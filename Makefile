# What can be done here. Every target does its own set-up (scripts/setup) on a machine that has Python >= 3.11, git, gcc, make and node/npm.

DATA ?= var/sample
PORT ?=
JOBS ?= auto
PYTEST = .venv/bin/pytest
PARALLEL = --numprocesses $(JOBS) --maxprocesses 4 --dist loadfile --no-loadscope-reorder

.DEFAULT_GOAL := help
.PHONY: help run tour test lint cover bench pictures chaos sbom

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## start the sample organisation on https://localhost:8443 and say what to do next (another PORT=, DATA=var/sample)
	@scripts/setup
	@exec .venv/bin/ostiary-server run --sample --data $(DATA) $(if $(PORT),--port $(PORT))

tour: ## play the whole story against the server that `make run` started: refused, opened, signed in, ended
	@scripts/setup
	@exec .venv/bin/ostiary-server tour --data $(DATA)

test: ## every test, real clients and a real browser included (ARGS="-k name" for some)
	@scripts/setup --test
	@exec $(PYTEST) $(PARALLEL) $(ARGS)

lint: ## style, types and the import contracts
	@scripts/setup --dev
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/mypy
	.venv/bin/lint-imports

cover: ## the lines of the rules (core) that their own tests do not run
	@scripts/setup --dev
	@exec $(PYTEST) $(PARALLEL) --cov=ostiary.core --cov-branch --cov-report=term-missing:skip-covered tests/core

bench: ## measure side by side with the peers and write docs/benchmarks.md
	@scripts/setup --bench
	@.venv/bin/python -m bench.policy
	@.venv/bin/python -m bench.ends
	@.venv/bin/python -m bench.approval
	@.venv/bin/python -m bench.detections
	@.venv/bin/python -m bench.signins
	@.venv/bin/python -m bench.beside
	@exec .venv/bin/python -m bench $(ARGS)

pictures: ## take the pictures of docs/pages.md anew
	@scripts/setup --test
	@exec .venv/bin/python -m tests.journeys.pictures

chaos: ## kill -9, power cuts and full disks, more rounds than `make test` takes
	@scripts/setup --test
	@OSTIARY_TEST_ROUNDS=200 exec $(PYTEST) tests/crash $(ARGS)

sbom: ## write what the server and the client consist of (CycloneDX, JSON) into build/sbom
	@exec scripts/sbom build/sbom
