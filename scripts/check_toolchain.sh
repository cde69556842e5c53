#!/bin/sh
# Is everything here that a build needs? Prints the path of the Python to use, or one sentence and exit code 1.
#
# Looks for CPython 3.10 to 3.14 with venv ($PYTHON alone, if that is set), cargo, a rustc that is new enough for
# Cargo.toml, and a C linker. Installs and changes nothing.
set -u

oldest=10 newest=14
folder=$(cd "$(dirname "$0")/.." && pwd)

fail() {
    printf 'dstreams: %s\n' "$1" >&2
    exit 1
}

# "cpython 3 11", or nothing if the command does not run.
describe() {
    "$1" -c 'import sys; print(sys.implementation.name, *sys.version_info[:2])' 2>/dev/null
}

suitable() {
    set -- $(describe "$1")
    [ $# -eq 3 ] && [ "$1" = cpython ] && [ "$2" -eq 3 ] && [ "$3" -ge $oldest ] && [ "$3" -le $newest ]
}

find_python() {
    if [ -n "${PYTHON:-}" ]; then
        command -v "$PYTHON" >/dev/null 2>&1 || fail "PYTHON=$PYTHON is no command: name a CPython 3.$oldest to 3.$newest."
        suitable "$PYTHON" || fail "PYTHON=$PYTHON does not run as CPython 3.$oldest to 3.$newest: name one that does."
        python=$PYTHON
        return
    fi
    seen=
    for python in python3 python3.14 python3.13 python3.12 python3.11 python3.10 python; do
        command -v "$python" >/dev/null 2>&1 || continue
        suitable "$python" && return
        this=$(describe "$python") && [ -n "$this" ] && seen=${seen:-$this}
    done
    [ -z "$seen" ] || fail "found only $(echo "$seen" | sed 's/ \([0-9]*\) / \1./'), but CPython 3.$oldest to 3.$newest is needed: install one, or name it by 'make PYTHON=/path/to/python3 ...'."
    fail "no Python was found: install CPython 3.$oldest to 3.$newest, or name it by 'make PYTHON=/path/to/python3 ...'."
}

find_python
"$python" -c 'import venv, ensurepip' 2>/dev/null ||
    fail "$python cannot make virtual environments: install its venv module (Debian, Ubuntu: apt install python3-venv)."

command -v cargo >/dev/null 2>&1 && command -v rustc >/dev/null 2>&1 ||
    fail "no Rust toolchain (cargo, rustc) was found: install one with rustup, see rustup.rs."
needed=$(sed -n 's/^rust-version *= *"\([0-9.]*\)".*/\1/p' "$folder/Cargo.toml")
rust=$(rustc --version 2>/dev/null | sed -n 's/^rustc \([0-9]*\.[0-9]*\).*/\1/p')
[ -n "$rust" ] || fail "rustc is there but does not run: repair the Rust toolchain, for example by 'rustup default stable'."
[ "${rust%%.*}" -gt "${needed%%.*}" ] || {
    [ "${rust%%.*}" -eq "${needed%%.*}" ] && [ "${rust#*.}" -ge "$(echo "$needed" | cut -d. -f2)" ]
} || fail "rustc $rust is too old, $needed or newer is needed: update it, for example by 'rustup update stable'."

command -v cc >/dev/null 2>&1 || command -v gcc >/dev/null 2>&1 || command -v clang >/dev/null 2>&1 ||
    fail "no C linker (cc) was found, and Rust needs one: install a C compiler (Debian, Ubuntu: apt install gcc)."

command -v "$python"
