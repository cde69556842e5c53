#!/bin/sh
# Run a command whose output matters only if it fails: quietly.sh "What is done" COMMAND [ARGUMENT ...]
set -u
printf '%s ...\n' "$1"
shift
log=$(mktemp) || exit 1
trap 'rm -f "$log"' EXIT
trap 'exit 130' INT TERM
"$@" >"$log" 2>&1 && exit 0
code=$?
cat "$log" >&2
printf 'failed with exit code %s: %s\n' "$code" "$*" >&2
exit "$code"
