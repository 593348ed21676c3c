# Everything one starts from the root of the repository; `make` alone explains the targets.

MAKEFLAGS += --no-print-directory
PYTHON ?= python3
# Debian release of the lab's nodes
LAB_RELEASE ?= bookworm
export LAB_RELEASE PYTHON

venv := .venv
collection := collections/ansible_collections/lautan/lvs

# $(call timed,LABEL,COMMAND): run COMMAND and say how long it took.
timed = start=$$(date +%s%N) && $(2) && \
	awk -v "start=$$start" -v "end=$$(date +%s%N)" 'BEGIN { printf "== %s: %.1f s\n", "$(1)", (end - start) / 1e9 }'

.PHONY: help
help: ## show this text
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-11s %s\n", $$1, $$2 }' Makefile

.PHONY: tools
tools: programs $(venv)/complete ## install what is missing: programs, Python tools, collections

.PHONY: programs browsers
programs:
	@tools/install-programs
browsers: ## install what the tests of the conference need
	@tools/install-programs tools/programs-browsers

# The stamp is written last: an interrupted run starts over, a complete venv is only brought up to date.
$(venv)/complete: requirements.txt requirements.yml tools/vendor-collections | programs
	@[ -e $@ ] || $(PYTHON) -m venv --clear $(venv)
	@$(venv)/bin/python -m pip install -qq --disable-pip-version-check --requirement requirements.txt
	@$(venv)/bin/python tools/vendor-collections
	@touch $@

.PHONY: site
site: ## start the lab, install the cluster on it, verify it
	@$(call timed,tools,$(MAKE) tools)
	@$(call timed,lab,lab/lab up)
	@$(call timed,site.yml,$(venv)/bin/ansible-playbook playbooks/site.yml)
	@$(call timed,verify.yml,$(venv)/bin/ansible-playbook playbooks/verify.yml)
	@lab/lab status

.PHONY: test
test: tools browsers ## everything: the checks, then the cluster in a fresh lab
	@$(venv)/bin/python tools/run-tests

.PHONY: check
check: tools ## linters and unit tests, without the lab
	@$(venv)/bin/python tools/run-checks

.PHONY: format
format: tools ## format the Python code
	@$(venv)/bin/ruff check --fix --exit-zero --quiet
	@$(venv)/bin/ruff format

.PHONY: lab-up lab-down lab-status
lab-up: tools ## start the lab
	@lab/lab up
lab-down: tools ## remove the lab's machines
	@lab/lab down
lab-status: tools ## show the lab's machines
	@lab/lab status

.PHONY: clean
clean: ## remove what was installed and cached here (not the lab: see lab-down)
	@rm -rf $(venv) .cache .ansible .hypothesis $(collection)/tests/output
