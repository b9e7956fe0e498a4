# Every target sets up what it needs first; `make` alone says what there is. The logic is in localcloud/.

PYTHON ?= python3
RUN = .venv/bin/python -m
SAM = SAM_CLI_TELEMETRY=0 AWS_DEFAULT_REGION=us-east-1 PATH="$(CURDIR)/.venv/bin:$$PATH" .venv/bin/sam
# The tests have a system of their own, so that yours stays as it is; it ends with them.
TEST_STATE = .local/test
COVERAGE = --cov --cov-branch --cov-report=term

.DEFAULT_GOAL := help
.PHONY: help setup demo up down logs watch token webhook-listen api static lint types template check test soak fairness bench growth screenshots publish lock clean

help: ## what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## the two Python environments (every other target does this first)
	@$(PYTHON) -m localcloud.environment

demo: setup ## a prompt becomes a video: PROMPT='…' STYLE=fun|calm|background DURATION=8 RATIO=16:9|9:16|1:1|4:3
	@$(RUN) localcloud demo $(if $(PROMPT),--prompt $(call quoted,$(PROMPT))) $(STYLE:%=--style %) $(DURATION:%=--duration %) $(RATIO:%=--ratio %)

up: setup ## start the whole system here; a second time, deploy what has changed
	@$(RUN) localcloud up

down: setup ## stop it; what it holds is kept
	@$(RUN) localcloud down

logs: setup ## what the functions log: F=1 to follow, FUNCTION=worker for one alone
	@$(RUN) localcloud logs $(if $(F),--follow) $(FUNCTION)

watch: setup ## queues, jobs by status, workers, the oldest message: live in the terminal
	@$(RUN) localcloud watch

token: setup ## a session token for the cookie: USER_ID=… MINUTES=60
	@$(RUN) localcloud token $(USER_ID:%=--user %) $(MINUTES:%=--minutes %)

webhook-listen: setup ## show webhooks as they arrive here, verified: PORT=4580
	@$(RUN) localcloud webhook-listen $(PORT:%=--port %)

api: setup ## the API through `sam local start-api` (needs a container engine)
	@$(RUN) localcloud api

static: setup
	@$(MAKE) --no-print-directory --jobs 3 --output-sync=target lint types template

lint:
	@.venv/bin/ruff format --check --quiet .
	@.venv/bin/ruff check --quiet .
	@.venv/bin/lint-imports --no-logo > .local/imports.log || { cat .local/imports.log; exit 1; }
# B310 is ruff's S310, which is answered for line by line.
	@.venv/bin/bandit --quiet --recursive --severity-level medium --skip B310 layers/common functions localcloud

types:
	@.venv/bin/mypy --no-error-summary

template:
	@.venv/bin/cfn-lint template.yaml
	@$(SAM) validate --lint --config-env local > .local/validate.log 2>&1 || { cat .local/validate.log; exit 1; }

check: static ## format, lint, types, imports, template, and the tests that need no server: under a minute
	@$(RUN) pytest --quiet tests/unit tests/functions tests/template

test: static ## every test that needs no AWS account, on real services; ends non-zero if any fails
	@LOCALCLOUD_STATE=$(TEST_STATE) $(RUN) localcloud during -- $(RUN) pytest $(COVERAGE)

chaos: setup ## the model for as long as you like: SEED=… MINUTES=10; the same seed tells the same stories
	@PYTHONPATH=layers/common $(RUN) tests.model.chaos $(SEED:%=--seed %) $(MINUTES:%=--minutes %)

soak: setup ## 2,000 jobs while workers and the database are killed: none is lost, none is doubled (JOBS=…)
	@LOCALCLOUD_STATE=.local/soak $(RUN) localcloud during -- $(RUN) localcloud soak $(JOBS:%=--jobs %)

fairness: setup ## one user queues 250 jobs: how long do those of others wait? (JOBS=…)
	@LOCALCLOUD_STATE=.local/fairness $(RUN) localcloud during -- $(RUN) localcloud fairness $(JOBS:%=--jobs %)

bench: setup ## the performance table
	@$(RUN) bench

growth: setup ## what each call costs with 1,000 jobs, and with 100,000 (SIZES='1000 1000000')
	@$(RUN) bench.growth $(SIZES)

screenshots: setup ## the pictures of the studio in docs/images (needs chromium)
	@LOCALCLOUD_STATE=.local/screenshots $(RUN) localcloud during -- env PYTHONPATH=. .venv/bin/python docs/images/make_screenshots.py

publish: setup ## put the studio's files where AWS serves them, after sam deploy: ENVIRONMENT=dev
	@$(RUN) localcloud publish $(or $(ENVIRONMENT),dev)

lock: setup ## pin anew every dependency that pyproject.toml names
	@$(RUN) localcloud lock

clean: down ## forget everything that can be made again: environments, builds, the local system's data
	@rm -rf .aws-sam .local .venv out

quoted = '$(subst ','\'',$(1))'
