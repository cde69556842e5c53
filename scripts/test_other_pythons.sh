#!/bin/sh
# Do the names, the import and a word count work on the other CPythons of this machine?
#
#   test_other_pythons.sh THE_PYTHON_TO_LEAVE_OUT
#
# For every CPython 3.10 to 3.14 that really runs (python3.N on PATH, and what pyenv keeps beside it): a virtual
# environment of its own, a wheel (built with the fast profile), tests/compat and tests/smoke on it, and at last an
# uninstall that must leave nothing behind. One line for each; all output of one that fails.
set -u

folder=$(cd "$(dirname "$0")/.." && pwd)
cd "$folder" || exit 1
tested=$("$1" -c 'import sys; print(sys.version_info[1])') || exit 1
maturin=$(dirname "$1")/maturin
places=$PATH:$(echo "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.*/bin | tr ' ' ':')

# The path of a python3.N that runs and is the CPython its name says.
find_python() {
    for place in $(echo "$places" | tr ':' '\n'); do
        [ -x "$place/python3.$1" ] || continue
        "$place/python3.$1" -c "import sys, venv, ensurepip
sys.exit(sys.version_info[:2] != (3, $1) or sys.implementation.name != 'cpython')" 2>/dev/null || continue
        echo "$place/python3.$1"
        return
    done
}

try_python() {
    home=$(dirname "$maturin")/../others/3.$1
    rm -rf "$home"
    "$2" -m venv "$home" || return
    own=$home/bin/python
    VIRTUAL_ENV=$home PYO3_PYTHON=$own "$maturin" build --locked --profile dev --interpreter "$own" --out "$home/wheels" || return
    wheel=$(echo "$home"/wheels/*.whl)
    "$own" -m pip install --quiet --disable-pip-version-check "$wheel[smoke]" || return
    "$own" -m pytest tests/compat tests/smoke -q || return
    "$own" -m pip uninstall --quiet --yes dstreams || return
    site=$("$own" -c 'import sysconfig; print(sysconfig.get_path("platlib"))')
    left=$(find "$site" -maxdepth 1 -iname '*dstreams*')
    if [ -n "$left" ] || "$own" -c 'import pyspark' 2>/dev/null; then
        echo "the uninstall left something behind: $left"
        return 1
    fi
    rm -rf "$home"
}

log=$(mktemp) || exit 1
trap 'rm -f "$log"' EXIT
trap 'exit 130' INT TERM
minor=10
while [ $minor -le 14 ]; do
    python=$(find_python $minor)
    if [ $minor -ne "$tested" ] && [ -n "$python" ]; then
        printf 'Testing CPython 3.%s ... ' $minor
        if try_python $minor "$python" >"$log" 2>&1; then
            grep -E '[0-9]+ passed' "$log" | tail -n 1
        else
            echo "failed"
            cat "$log" >&2
            exit 1
        fi
    fi
    minor=$((minor + 1))
done
