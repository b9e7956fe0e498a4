# Every target installs what it needs first. `make` alone lists the targets. The logic is in localcloud/.

PYTHON ?= python3
RUN = .venv/bin/python -m
SAM = SAM_CLI_TELEMETRY=0 AWS_DEFAULT_REGION=us-east-1 PATH="$(CURDIR)/.venv/bin:$$PATH" .venv/bin/sam
# The tests run their own system, which does not change yours and stops when they end.
TEST_STATE = .local/test
TEMPLATES = template.yaml infrastructure/account.yaml infrastructure/github.yaml infrastructure/monitoring.yaml infrastructure/studio.yaml
CORE = tests/unit/domain tests/unit/services
UNITS = tests/unit tests/functions tests/template tests/docs tests/bench
DEPLOYED = tests/stack tests/browser
SERVICES = tests/contract tests/integration tests/faults tests/providers tests/model tests/audit
COVERAGE = --cov --cov-branch --cov-report=term

# uv installs packages without bytecode. A process that may not store it compiles all imported packages at each start.
# The separate folder keeps bytecode out of the folders that are packaged for Lambda.
unexport PYTHONDONTWRITEBYTECODE
export PYTHONPYCACHEPREFIX := $(CURDIR)/.local/bytecode

.DEFAULT_GOAL := help
.PHONY: chaos cost simulation test-real fuzz audit sbom vulnerabilities preflight test-deployed test-services test-upgrade test-units help setup demo up down logs watch token webhook-listen ops api static units lint types template check test test-long soak upgrade fairness bench growth screenshots apidocs clienttypes client publish lock clean

# `##@` starts a section of the help, `##` after a target describes it, and `#:` above a recipe lists its variables.
help: ## list the targets, with rough times on two cores
	@awk -F ':.*## ' '/^##@ / {printf "\n%s\n", substr($$0, 5)} /^[a-z-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2} \
	  /^#: / {printf "  %-21s %s\n", "", substr($$0, 4)}' $(MAKEFILE_LIST)

##@ Local system

setup: ## install both Python environments (automatic; 1 to 3 min)
	@$(PYTHON) -m localcloud.environment

demo: setup ## make a video from a prompt (first start: 1 to 4 min)
#: PROMPT='…' STYLE=fun|calm|background DURATION=8
#: RATIO=16:9|9:16|1:1|4:3
	@$(RUN) localcloud demo $(if $(PROMPT),--prompt $(call quoted,$(PROMPT))) $(STYLE:%=--style %) $(DURATION:%=--duration %) $(RATIO:%=--ratio %)

up: setup ## start the system, or deploy changes to it (up to 2 min)
#: ALLOWED_ORIGINS=http://localhost:8080 (pages that may call)
#: PROVIDER=simulated SIMULATED_FAILURE_RATE=1 (jobs fail)
	@$(RUN) localcloud up

down: setup ## stop the system; its data is kept
	@$(RUN) localcloud down

logs: setup ## show the functions' logs
#: F=1 (follow) FUNCTION=worker (one function)
	@$(RUN) localcloud logs $(if $(F),--follow) $(FUNCTION)

watch: setup ## show queues, jobs and workers live
	@$(RUN) localcloud watch

token: setup ## print a session token for the API's cookie
#: USER_ID=… MINUTES=60
	@$(RUN) localcloud token $(USER_ID:%=--user %) $(MINUTES:%=--minutes %)

webhook-listen: setup ## receive, verify and print webhooks
#: PORT=4580
	@$(RUN) localcloud webhook-listen $(PORT:%=--port %)

ops: setup ## run an operator's command on the local system
#: ARGS='timeline JOB' ARGS=--help
	@PYTHONPATH=layers/common:layers/providers $(RUN) ops $(ARGS)

api: setup ## serve the API with sam local start-api, in containers
	@$(RUN) localcloud api

##@ Checks and tests

static: setup
	@$(MAKE) --no-print-directory --jobs 3 --output-sync=target lint types template

lint:
	@.venv/bin/ruff format --check --quiet .
	@.venv/bin/ruff check --quiet .
	@.venv/bin/lint-imports --no-logo > .local/imports.log || { cat .local/imports.log; exit 1; }
	@.venv/bin/bandit --quiet --recursive --configfile pyproject.toml layers functions ops localcloud bench

types:
	@.venv/bin/mypy --no-error-summary

template:
	@.venv/bin/cfn-lint --regions us-east-1 eu-central-1 -- $(TEMPLATES)
	@$(SAM) validate --lint --config-env dev > .local/validate.log 2>&1 || { cat .local/validate.log; exit 1; }

check: setup ## lint, types, template and quick tests (1 min)
	@$(MAKE) --no-print-directory --jobs 4 --output-sync=target units lint types template

units:
	@$(RUN) pytest --quiet $(CORE) tests/template tests/docs

# The longest parts start first. Three run at a time, because they wait for servers, and the output of each is printed when it ends.
test: setup ## run all tests that need no AWS account (15 to 25 min)
	@$(PYTHON) -m localcloud.environment auditors
	@$(MAKE) --no-print-directory --keep-going --jobs 3 --output-sync=target \
	  test-deployed test-services test-units test-upgrade static

test-deployed: # the deployed system, over HTTP and in a browser
	@env LOCALCLOUD_STATE=$(TEST_STATE) $(RUN) localcloud during -- $(RUN) pytest $(DEPLOYED)

test-services: # real databases, queues, providers and processes
	@$(RUN) pytest $(SERVICES)

test-upgrade: # its own system, deployed from the previous commit and upgraded under load
	@env LOCALCLOUD_STATE=$(TEST_STATE)-upgrade $(RUN) localcloud during -- $(RUN) pytest tests/deployment

test-units: # in memory; the tests of domain and services alone must cover every branch of both
	@$(RUN) pytest $(COVERAGE) $(CORE)
	@$(RUN) pytest $(CORE:%=--ignore=%) $(UNITS)

# A failed part does not prevent the next. If version 0.1.0 is not in the history, the upgrade starts from the oldest commit.
test-long: setup ## run mutants, long fuzzing, chaos and upgrades (1 h)
#: MINUTES=10 (of chaos) EXAMPLES=100 (of fuzzing)
	@failed=; part() { echo "test-long: $$*"; "$$@" || { failed=1; echo "test-long: FAILED: $$*"; }; }; \
	oldest=$$(git rev-parse --verify --quiet '8d014a1^{commit}' || git rev-list --reverse HEAD -- template.yaml | head -1); \
	part env TEST_LONG=1 $(RUN) pytest tests/model/test_mutants.py tests/faults tests/bench/test_simulation.py; \
	part make --no-print-directory chaos MINUTES=$(or $(MINUTES),10); \
	part make --no-print-directory fuzz EXAMPLES=$(or $(EXAMPLES),100); \
	part env TEST_LONG=1 make --no-print-directory test-upgrade; \
	part make --no-print-directory upgrade UPGRADE_FROM="$$oldest"; \
	test -z "$$failed"

test-real: setup ## run the deployed tests on AWS (docs/guides/verify.md)
#: STACK=videojobs-dev AWS_PROFILE=… REGION=…
#: WRITE=1 TOKEN=…
	@VERIFY_STACK=$(STACK) VERIFY_WRITE=$(WRITE) VERIFY_TOKEN=$(TOKEN) $(if $(REGION),AWS_REGION=$(REGION) AWS_DEFAULT_REGION=$(REGION)) $(RUN) pytest --quiet -rfE --tb=short --timeout 1800 tests/stack

chaos: setup ## run the model with random faults (10 min)
#: SEED=… (repeats a run) MINUTES=10
	@PYTHONPATH=layers/common $(RUN) tests.model.chaos $(SEED:%=--seed %) $(MINUTES:%=--minutes %)

fuzz: setup ## fuzz the API with Schemathesis on its own system (15 min)
#: SEED=… EXAMPLES=100
	@env LOCALCLOUD_STATE=.local/fuzz TEST_LONG=1 SEED=$(or $(SEED),$(shell date +%s)) EXAMPLES=$(or $(EXAMPLES),100) FUZZ_SECONDS=3600 $(RUN) localcloud during -- \
		$(RUN) pytest --quiet --capture=no --timeout=3600 tests/stack/test_openapi_fuzz.py

##@ Load, cost and measurements

soak: setup ## run jobs while killing workers and the database (15 min)
#: JOBS=2000
	@env LOCALCLOUD_STATE=.local/soak $(RUN) localcloud during -- $(RUN) localcloud soak $(JOBS:%=--jobs %)

upgrade: setup ## upgrade an earlier commit under load, roll back (6 min)
#: UPGRADE_FROM=COMMIT JOBS=40
	@env LOCALCLOUD_STATE=.local/upgrade JOBS=$(JOBS) UPGRADE_FROM=$(UPGRADE_FROM) $(RUN) localcloud during -- $(RUN) tests.deployment

fairness: setup ## measure waits while another user has many jobs (5 min)
#: JOBS=250 (at least 200)
	@env LOCALCLOUD_STATE=.local/fairness $(RUN) localcloud during -- $(RUN) localcloud fairness $(JOBS:%=--jobs %)

bench: setup ## measure performance (7 to 15 min)
	@$(RUN) bench

cost: setup ## estimate the monthly cost on AWS
#: JOBS=250000 AI=1 (an AI provider)
	@$(RUN) bench.capacity.cost_model $(JOBS:%=--jobs %) $(AI:1=--ai)

simulation: setup ## simulate the waits of one day of jobs (3 min)
#: JOBS=1000000
	@$(RUN) bench.capacity.simulation $(JOBS:%=--jobs %)

growth: setup ## measure database calls at several numbers of jobs (3 min)
#: SIZES='1000 1000000'
	@$(RUN) bench.scaling $(SIZES)

##@ Documents, dependencies and release

screenshots: setup ## make the screenshots of the studio (Chromium; 3 min)
	@env LOCALCLOUD_STATE=.local/screenshots $(RUN) localcloud during -- env PYTHONPATH=. .venv/bin/python tools/make_screenshots.py

apidocs: setup ## write the API documents and the reference pages
	@$(RUN) tools.apidocs
	@$(RUN) tools.configuration

clienttypes: setup ## write the types of the JavaScript client
	@$(RUN) tools.client_types

client: ## pack the JavaScript client as an npm package in out/
	@mkdir -p out && cd web && npm pack --silent --pack-destination ../out

preflight: setup ## check account and settings before sam deploy (1 min)
#: ENVIRONMENT=dev STUDIO='WebDomainName=… …'
	@PYTHONPATH=layers/common:layers/providers $(RUN) ops.preflight $(or $(ENVIRONMENT),dev) $(STUDIO:%=--studio %)

publish: setup ## upload the studio's files to AWS, after sam deploy
#: ENVIRONMENT=dev
	@$(RUN) localcloud publish $(or $(ENVIRONMENT),dev)

lock: setup ## pin the newest versions that pyproject.toml allows
	@$(RUN) localcloud lock

audit: setup ## scan code, templates and documents (Node; 2 min)
	@$(PYTHON) -m localcloud.environment auditors
	@$(RUN) pytest --quiet tests/audit

vulnerabilities: setup ## list known vulnerabilities of dependencies (asks PyPI)
	@$(PYTHON) -m localcloud.environment auditors
	@failed=; for file in layers/*/requirements.txt requirements-*.txt localcloud/requirements.txt; do echo "$$file"; \
	  .local/audit/bin/pip-audit --disable-pip --require-hashes --requirement $$file || failed=1; done; test -z "$$failed"

sbom: setup ## write a CycloneDX bill of materials per layer to out/sbom
	@$(RUN) localcloud sbom

clean: down ## delete environments, builds and the local system's data
	@rm -rf .aws-sam .local .venv out

quoted = '$(subst ','\'',$(1))'
