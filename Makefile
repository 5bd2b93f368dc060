# The two commands of the README: `make film` and `make test`. Both set up what they need first.
SHELL := /bin/bash
TARGET := $(or $(CARGO_TARGET_DIR),target)
KLIEG := $(TARGET)/release/klieg
# Property tests draw the same cases every time; the long form is `make test PROPTEST_CASES=5000 PROPTEST_RNG_SEED=$$RANDOM`.
export PROPTEST_RNG_SEED ?= 1

.PHONY: film test build setup lint bench nextest

film: build
	$(KLIEG) render examples/temple-wedding.fountain

test: build nextest
	cargo nextest run --release --workspace --no-fail-fast
	cd pipelines/speech-helper && CARGO_TARGET_DIR="$(abspath $(TARGET))" cargo test --release --quiet

# The speech helper is a program of its own, under its own licence; klieg finds it beside itself.
build: setup
	cargo build --release
	cd pipelines/speech-helper && CARGO_TARGET_DIR="$(abspath $(TARGET))" cargo build --release

setup:
	@scripts/setup

nextest:
	@cargo nextest --version >/dev/null 2>&1 || cargo install cargo-nextest --locked

lint: setup
	cargo fmt --all --check
	cargo clippy --release --workspace --all-targets -- -D warnings

bench: build
	benches/run
