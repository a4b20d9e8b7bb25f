# The commands for developers. `make` alone lists them.
PYTHON ?= python3
BIN := .venv/bin
export PYTHON
# Bytecode caches make every start three times faster; some build machines switch them off.
unexport PYTHONDONTWRITEBYTECODE

PREFIX ?= $(HOME)/.local

.PHONY: help demo install uninstall test lint unit bench bench-scale soak reference audit dist lock clean

help: ## list these commands
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 13

demo: .venv/runtime ## the whole bot in this terminal, with no account
	@$(BIN)/paperboy demo

install: ## the program for use, as PREFIX/bin/paperboy (PREFIX is ~/.local); again after an update
	@echo "Installing Paperboy into $(PREFIX)/lib/paperboy ..."
	@mkdir -p "$(PREFIX)/bin" "$(PREFIX)/lib"
	@scripts/install requirements.lock "$(PREFIX)/lib/paperboy"
	@ln -sf ../lib/paperboy/bin/paperboy "$(PREFIX)/bin/paperboy"
	@"$(PREFIX)/bin/paperboy" --version
	@case ":$$PATH:" in *":$(PREFIX)/bin:"*) ;; *) \
		echo "Put $(PREFIX)/bin on your PATH: export PATH=\"$(PREFIX)/bin:\$$PATH\"" ;; esac

uninstall: ## take the program away again; papers, votes and settings stay where they are
	rm -rf "$(PREFIX)/lib/paperboy" "$(PREFIX)/bin/paperboy"

test: lint unit ## every check and test

lint: .venv/dev ## style, types, and the walls between packages
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo

unit: .venv/dev ## the tests alone
	@CHROMIUM="$$(scripts/chromium)" $(BIN)/pytest -n auto

bench: .venv/dev ## the benchmarks; DATA=folder measures on real papers
	@$(BIN)/python -m tests.benchmarks $(if $(DATA),--data "$(DATA)")

bench-scale: .venv/dev ## many channels and votes on PostgreSQL with 1, 2 and 4 workers; DATA=folder, CHANNELS=, PAPERS=, WORKERS=
	@$(BIN)/python -m tests.benchmarks.scale $(if $(DATA),--data "$(DATA)") --channels $(or $(CHANNELS),1000,10000) \
		--papers $(or $(PAPERS),20000) --workers $(or $(WORKERS),1,2,4)
	@$(BIN)/python -m tests.benchmarks.intake

soak: .venv/dev ## the long fault runs and many more hostile texts, from a new seed; DAYS=, ROUNDS=, EXAMPLES=, SEED=number
	@SOAK_EXAMPLES=$(or $(EXAMPLES),300) SOAK_ROUNDS=$(or $(ROUNDS),40) SOAK_DAYS=$(or $(DAYS),10) \
		SOAK_SEED=$(or $(SEED),$(shell date +%s)) \
		$(BIN)/pytest tests/faults/test_soak.py tests/platforms/slack/test_kills.py tests/test_fuzz.py -s -q --timeout 7200

reference: .venv/dev ## write what is made from the code: config/paperboy.toml, docs/{settings,commands,privacy}.md
	@$(BIN)/python scripts/reference

audit: .venv/dev ## known vulnerabilities of the pinned packages, where the network has them
	@scripts/audit requirements.lock

dist: .venv/dev ## the wheel and the source archive in dist/, tried in an environment of their own
	@scripts/dist

lock: ## pin the newest versions that fit pyproject.toml (needs uv)
	uv lock --upgrade
	uv export --quiet --no-header --no-emit-project --no-group dev -o requirements.lock
	uv export --quiet --no-header --no-emit-project --all-groups -o requirements-dev.lock

clean: ## forget the virtual environment and every cache
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

.venv/runtime: requirements.lock pyproject.toml scripts/install
	@echo "Installing Paperboy into .venv (once) ..."
	@scripts/install requirements.lock
	@touch $@

.venv/dev: requirements-dev.lock pyproject.toml scripts/install
	@echo "Installing Paperboy and its test tools into .venv (once) ..."
	@scripts/install requirements-dev.lock
	@touch $@ .venv/runtime
