#!/usr/bin/env bash
# Installs the peers of `make bench-devices` under target/peers, each in a Python environment of its own. aihwkit brings PyTorch along, about
# 3 GB; where there is no wheel for this Python, the benchmark runs without it and says so.
set -euo pipefail
root=$(cd "${BASH_SOURCE[0]%/*}/../../.." && pwd)
out=$root/target/peers
mkdir -p "$out"

install() { # NAME PIP_ARGUMENTS...
  local name=$1
  shift
  [ -x "$out/$name/bin/python" ] || python3 -m venv "$out/$name"
  "$out/$name/bin/pip" install --quiet --disable-pip-version-check --only-binary=:all: "$@"
}

install numpy numpy
# The wheel is built against one release of PyTorch; its other requirements are tools to build it.
if ! (install aihwkit torch==2.10.0 numpy scipy tqdm && install aihwkit --no-deps aihwkit==1.1.0); then
  echo "aihwkit cannot be installed here; bench-devices runs without it" >&2
fi
