# Every target sets up what it needs first; `make` alone says what there is. The logic is in localcloud/.

PYTHON ?= python3
RUN = .venv/bin/python -m
SAM = SAM_CLI_TELEMETRY=0 AWS_DEFAULT_REGION=us-east-1 PATH="$(CURDIR)/.venv/bin:$$PATH" .venv/bin/sam
# The tests have a system of their own, so that yours stays as it is; it ends with them.
TEST_STATE = .local/test
UNITS = tests/unit tests/functions tests/template tests/bench
DEPLOYED = tests/stack tests/browser
SERVICES = tests/contract tests/integration tests/faults tests/providers tests/model tests/audit
COVERAGE = --cov --cov-branch --cov-report=term

.DEFAULT_GOAL := help
.PHONY: cost simulation test-real fuzz audit sbom vulnerabilities test-deployed test-services test-upgrade test-units help setup demo up down logs watch token webhook-listen ops api static units lint types template check test test-long soak upgrade fairness bench growth screenshots apidocs publish lock clean

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

ops: setup ## the operators' commands on the local system: ARGS='timeline JOB', ARGS=--help
	@PYTHONPATH=layers/common $(RUN) ops $(ARGS)

api: setup ## the API through `sam local start-api` (needs a container engine)
	@$(RUN) localcloud api

static: setup
	@$(MAKE) --no-print-directory --jobs 3 --output-sync=target lint types template

lint:
	@.venv/bin/ruff format --check --quiet .
	@.venv/bin/ruff check --quiet .
	@.venv/bin/lint-imports --no-logo > .local/imports.log || { cat .local/imports.log; exit 1; }
	@.venv/bin/bandit --quiet --recursive --configfile pyproject.toml layers/common layers/media functions ops localcloud bench

types:
	@.venv/bin/mypy --no-error-summary

template:
	@.venv/bin/cfn-lint template.yaml .github/deploy-role.yaml
	@$(SAM) validate --lint --config-env local > .local/validate.log 2>&1 || { cat .local/validate.log; exit 1; }

check: setup ## format, lint, types, imports, template, and the tests that need no server: under a minute
	@$(MAKE) --no-print-directory --jobs 4 --output-sync=target units lint types template

units:
	@$(RUN) pytest --quiet tests/unit tests/functions tests/template

# The longest parts first. Two run at a time, and the output of each appears when it ends.
test: setup ## run every test that needs no AWS account: about ten minutes
	@$(PYTHON) -m localcloud.environment auditors
	@$(MAKE) --no-print-directory --keep-going --jobs 2 --output-sync=target \
	  test-deployed test-services test-upgrade test-units static

test-deployed: # the deployed system, over HTTP and in a browser
	@LOCALCLOUD_STATE=$(TEST_STATE) $(RUN) localcloud during -- $(RUN) pytest $(DEPLOYED)

test-services: # real databases, queues, providers and processes
	@$(RUN) pytest $(SERVICES)

test-upgrade: # a system of its own, deployed from the commit before and upgraded under load
	@LOCALCLOUD_STATE=$(TEST_STATE)-upgrade $(RUN) localcloud during -- $(RUN) pytest tests/deployment

test-units: # in memory; they alone must cover every branch of domain and services
	@$(RUN) pytest $(COVERAGE) $(UNITS)

# A part that fails does not keep the next from running. Without a commit of version 0.1.0, the oldest one is upgraded from.
test-long: setup ## the tests that make test samples or leaves out: every mutant, long fuzzing and chaos, upgrades: about an hour
	@failed=; part() { echo "test-long: $$*"; "$$@" || { failed=1; echo "test-long: FAILED: $$*"; }; }; \
	oldest=$$(git rev-parse --verify --quiet '8d014a1^{commit}' || git rev-list --reverse HEAD -- template.yaml | head -1); \
	part env TEST_LONG=1 $(RUN) pytest tests/model/test_mutants.py tests/faults/test_mutants.py; \
	part make --no-print-directory chaos MINUTES=$(or $(MINUTES),10); \
	part make --no-print-directory fuzz EXAMPLES=$(or $(EXAMPLES),100); \
	part make --no-print-directory upgrade UPGRADE_FROM=; \
	part make --no-print-directory upgrade UPGRADE_FROM="$$oldest"; \
	test -z "$$failed"

test-real: setup ## the same tests against a deployed environment: STACK=videojobs-dev AWS_PROFILE=… REGION=…, WRITE=1 TOKEN=… (docs/verify.md)
	@VERIFY_STACK=$(STACK) VERIFY_WRITE=$(WRITE) VERIFY_TOKEN=$(TOKEN) $(REGION:%=AWS_REGION=%) $(RUN) pytest --quiet -rfE --tb=short --timeout 1800 tests/stack

chaos: setup ## the model for as long as you like: SEED=… MINUTES=10; the same seed tells the same stories
	@PYTHONPATH=layers/common $(RUN) tests.model.chaos $(SEED:%=--seed %) $(MINUTES:%=--minutes %)

fuzz: setup ## schemathesis over docs/openapi.json, all phases and checks, against a system of its own: SEED=… EXAMPLES=100
	@LOCALCLOUD_STATE=.local/fuzz SEED=$(or $(SEED),$$$$) EXAMPLES=$(or $(EXAMPLES),100) FUZZ_SECONDS=3600 $(RUN) localcloud during -- \
		$(RUN) pytest --quiet --capture=no --timeout=3600 tests/stack/test_openapi_fuzz.py

soak: setup ## 2,000 jobs while workers and the database are killed: none is lost, none is doubled (JOBS=…)
	@LOCALCLOUD_STATE=.local/soak $(RUN) localcloud during -- $(RUN) localcloud soak $(JOBS:%=--jobs %)

upgrade: setup ## from an earlier commit to this one and back while jobs are under way: UPGRADE_FROM=… JOBS=40
	@env LOCALCLOUD_STATE=.local/upgrade JOBS=$(JOBS) UPGRADE_FROM=$(UPGRADE_FROM) $(RUN) localcloud during -- $(RUN) tests.deployment

fairness: setup ## one user queues 250 jobs: how long do those of others wait? (JOBS=…)
	@LOCALCLOUD_STATE=.local/fairness $(RUN) localcloud during -- $(RUN) localcloud fairness $(JOBS:%=--jobs %)

bench: setup ## the performance table
	@$(RUN) bench

cost: setup ## what it costs, from a thousand to a hundred million jobs a month: JOBS=250000, AI=1
	@$(RUN) bench.capacity.cost_model $(JOBS:%=--jobs %) $(AI:1=--ai)

simulation: setup ## a day of a million jobs, simulated: who waits how long, where it saturates (JOBS=…)
	@$(RUN) bench.capacity.simulation $(JOBS:%=--jobs %)

growth: setup ## what each call costs with 1,000 jobs, and with 100,000 (SIZES='1000 1000000')
	@$(RUN) bench.scaling $(SIZES)

screenshots: setup ## the pictures of the studio in docs/images (needs chromium)
	@LOCALCLOUD_STATE=.local/screenshots $(RUN) localcloud during -- env PYTHONPATH=. .venv/bin/python tools/make_screenshots.py

apidocs: setup ## write docs/openapi.json from the code
	@$(RUN) tools.apidocs

publish: setup ## put the studio's files where AWS serves them, after sam deploy: ENVIRONMENT=dev
	@$(RUN) localcloud publish $(or $(ENVIRONMENT),dev)

lock: setup ## pin anew every dependency that pyproject.toml names
	@$(RUN) localcloud lock

audit: setup ## what a security review asks of code, files, template and workflows: docs/supply-chain.md
	@$(PYTHON) -m localcloud.environment auditors
	@$(RUN) pytest --quiet tests/audit

vulnerabilities: setup ## known ones in what ships and in what we use (asks PyPI)
	@$(PYTHON) -m localcloud.environment auditors
	@for file in layers/*/requirements.txt requirements-dev.txt localcloud/requirements.txt; do echo "$$file"; .local/audit/bin/pip-audit --disable-pip --require-hashes --strict --requirement $$file || exit 1; done

sbom: setup ## what ships in each layer, with versions and licences, as CycloneDX in out/sbom
	@$(RUN) localcloud sbom

clean: down ## forget everything that can be made again: environments, builds, the local system's data
	@rm -rf .aws-sam .local .venv out

quoted = '$(subst ','\'',$(1))'
