#!/bin/sh
# Do the names, the import, a word count and the reading of functions work on the other CPythons of this machine?
#
#   test_other_pythons.sh THE_PYTHON_TO_LEAVE_OUT
#
# For every CPython 3.10 to 3.14 that really runs (python3.N on PATH, and what pyenv keeps beside it): a virtual
# environment of its own, a wheel (built with the fast profile), tests/compat, tests/smoke and tests/udf on it, and at last
# an uninstall that must leave nothing behind. The same for an interpreter without a global lock: the one that
# $FREE_THREADED_PYTHON names, else python3.14t, if it is there. One line for each; all output of one that fails.
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

is_free_threaded() {
    "$1" -c "import sys, sysconfig, venv, ensurepip
sys.exit(not sysconfig.get_config_var('Py_GIL_DISABLED'))" 2>/dev/null
}

# The path of an interpreter without a global lock, if there is one.
find_free_threaded() {
    if [ -n "${FREE_THREADED_PYTHON:-}" ]; then
        is_free_threaded "$FREE_THREADED_PYTHON" && command -v "$FREE_THREADED_PYTHON"
        return
    fi
    for place in $(echo "$places" | tr ':' '\n'); do
        is_free_threaded "$place/python3.14t" && echo "$place/python3.14t" && return
    done
    return 0
}

try_python() {
    home=$(dirname "$maturin")/../others/$1
    rm -rf "$home"
    "$2" -m venv "$home" || return
    own=$home/bin/python
    VIRTUAL_ENV=$home PYO3_PYTHON=$own "$maturin" build --locked --profile dev --interpreter "$own" --out "$home/wheels" || return
    wheel=$(echo "$home"/wheels/*.whl)
    "$own" -m pip install --quiet --disable-pip-version-check "$wheel[smoke]" || return
    "$own" -m pytest tests/compat tests/smoke tests/udf -q || return
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

# One line on an interpreter, by the name it has here and its path.
report() {
    printf 'Testing CPython %s ... ' "$1"
    if try_python "$1" "$2" >"$log" 2>&1; then
        grep -E '[0-9]+ passed' "$log" | tail -n 1
    else
        echo "failed"
        cat "$log" >&2
        exit 1
    fi
}

minor=10
while [ $minor -le 14 ]; do
    python=$(find_python $minor)
    [ $minor -eq "$tested" ] || [ -z "$python" ] || report "3.$minor" "$python"
    minor=$((minor + 1))
done
python=$(find_free_threaded) || {
    echo "FREE_THREADED_PYTHON=$FREE_THREADED_PYTHON is no free-threaded CPython with venv: name one, or none." >&2
    exit 1
}
[ -z "$python" ] || report "free-threaded" "$python"
