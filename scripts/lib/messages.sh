# shellcheck shell=bash
# Sourced by the scripts. What they tell people goes to stderr; stdout is for data.

say() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }

die() {
  say "$*"
  exit 1
}

# usage_error TEXT: 64 is the exit code of a wrong command line (sysexits.h).
usage_error() {
  say "$* (see --help)"
  exit 64
}
