#!/usr/bin/env bash
# Installs the peers of `make bench-fpga ARGS=training` under target/peers/fpga: numpy, and PyTorch for processors. What cannot be had is
# left out; the benchmark then says so.
set -euo pipefail
root=$(cd "${BASH_SOURCE[0]%/*}/../../.." && pwd)
out=$root/target/peers/fpga
mkdir -p "$out"
[ -x "$out/bin/python" ] || python3 -m venv "$out"
pip=("$out/bin/pip" install --quiet --disable-pip-version-check --only-binary=:all:)
"${pip[@]}" numpy
# PyPI's own wheel brings 3 GB of CUDA along.
"${pip[@]}" torch --index-url https://download.pytorch.org/whl/cpu || "${pip[@]}" torch ||
  echo "PyTorch cannot be installed here; bench-fpga runs without it" >&2
