# The few commands worth remembering. `make` alone lists them; `.ci/run` is the whole gate.

.DEFAULT_GOAL := help
.PHONY: help demo test test-fast test-long bench install install-oldest install-all

# One recipe line after another, and an error in any of them counts.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c

# These mostly wait; those on real parts keep the processors busy, and one runs for each.
fast := --skip real:: --test-threads 8

# These look at the memory of their own process, so nothing else may run in it.
measured := ten_thousand the_largest_repository

ifdef KEEP
export KEEP
endif

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(firstword $(MAKEFILE_LIST)) | expand -t 18
	@echo
	@echo "  .ci/run           everything that gates a commit: format, spelling, licences, lints, docs, make test"
	@echo "  cargo test plan   only the tests with \`plan\` in their name"

demo: install ## the whole story on real parts: Kafka, two Connect workers, PostgreSQL, git (KEEP=1 leaves it up)
	@echo "building; the first time takes some minutes"
	cargo build --quiet --bins --examples
	exec cargo run --quiet --example demo

test: install-oldest ## all that gates: units, laws, the fake and the real Connect, the story end to end
	cargo test --workspace --no-fail-fast -- $(fast)
	cargo test --test it real::

test-fast: ## without the real parts: a minute and a half once built, no Java
	cargo test --workspace -- $(fast)

test-long: install-all ## what takes too long to gate: the tests marked #[ignore = "long: ..."]
	cargo test --workspace -- --ignored $(addprefix --skip ,$(measured))
	cargo test --test it -- --ignored --test-threads 1 $(measured)

bench: ## how long planning takes and how much an agent at rest holds, in release form: eight minutes
	cargo bench --bench render --bench plan --bench agent

install:
	tests/stack/install

# Beside the newest Connect the oldest that is held to be understood.
install-oldest:
	tests/stack/install 2.8.2

# 2.2 is one that is refused.
install-all:
	tests/stack/install 2.2.2 2.8.2 3.7.2 3.9.1
