# The two commands of the README: `make film` and `make test`. Both set up what they need first.
SHELL := /bin/bash
TARGET := $(or $(CARGO_TARGET_DIR),target)
KLIEG := $(TARGET)/release/klieg
# Property tests draw the same cases every time; `make explore` draws others, and more.
export PROPTEST_RNG_SEED ?= 1

.PHONY: film test goldens minilm simulate days chaos explore check-api test-gpu build helper setup toolkit lint bench nextest

film: build
	$(KLIEG) render examples/temple-wedding.fountain

test: toolkit minilm helper nextest
	cargo nextest run --release --workspace --no-fail-fast
	cd pipelines/speech-helper && CARGO_TARGET_DIR="$(abspath $(TARGET))" cargo test --release --quiet

# The seed is printed: the same one finds the same case again. Whatever is found becomes a test of its own.
explore: build nextest
	@seed=$${SEED:-$$(od -An -N4 -tu4 /dev/urandom | tr -d ' ')}; echo "explore: SEED=$$seed"; \
	PROPTEST_RNG_SEED=$$seed PROPTEST_CASES=$${CASES:-2000} cargo nextest run --release --workspace --no-fail-fast --lib --test anything --test robust

# The long form of the simulation: `make simulate SEEDS=100000`. `SEED` is the first one.
simulate: nextest
	SEEDS=$${SEEDS:-20000} cargo nextest run --release -p klieg-scheduler --test simulation --no-capture every_promise

# The long form of the synthetic days: `make days SEEDS=20 JSON=FILE`. `FIRST` is the first seed, `HOURS` how long jobs come.
days: nextest
	SEEDS=$${SEEDS:-20} cargo nextest run --release -p klieg-scheduler --test days --no-capture

# The long form of the chaos: half an hour of a cluster whose processes are killed, paused, cut off. `make chaos CHAOS=600 SEED=2 JSON=FILE`.
chaos: helper nextest
	KLIEG_CHAOS_SECONDS=$${CHAOS:-1800} KLIEG_CHAOS_SEED=$${SEED:-1} $(if $(JSON),KLIEG_CHAOS_JSON="$(abspath $(JSON))") \
	cargo nextest run --release --workspace --no-capture --run-ignored only -E 'test(=a_cluster_keeps_its_promises_for_half_an_hour)'

# The HTTP API against its own document, by schemathesis (PyPI). `make check-api EXAMPLES=200` for the long form.
check-api: build
	scripts/check-api $(KLIEG) $(EXAMPLES)

# What needs an NVIDIA GPU; fails where there is none. compute-sanitizer looks on if it is at hand.
test-gpu: toolkit nextest
	kernels/tests/gpu

# CUDA's compilers, for proving that the kernels compile for it; no GPU needed.
toolkit: setup
	@scripts/cuda-toolkit >/dev/null

# The weights of a sentence model, 90 MB, which tests of real vectors need.
minilm: setup
	@scripts/minilm >/dev/null

# What the Python references make of tiny models; tests read the files. Needs what models/golden/requirements.txt names.
goldens:
	@for script in models/golden/*.py; do OMP_NUM_THREADS=1 $(or $(PYTHON),python3) "$$script" || exit 1; done

# The speech helper is a program of its own, under its own licence; klieg finds it beside itself.
build: helper
	cargo build --release

helper: setup
	cd pipelines/speech-helper && CARGO_TARGET_DIR="$(abspath $(TARGET))" cargo build --release

setup:
	@scripts/setup

nextest:
	@cargo nextest --version >/dev/null 2>&1 || cargo install cargo-nextest --locked

lint: setup
	cargo fmt --all --check
	cargo clippy --release --workspace --all-targets -- -D warnings
	scripts/check-deploy

bench: build
	benches/run
