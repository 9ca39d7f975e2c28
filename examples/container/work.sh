#!/bin/sh
# One piece of work in a container that keeps nothing: signs in, works, signs out.
#
#   OSTIARY_SERVER=https://id.example.com work.sh COMMAND [ARGUMENT…]
#
# Only /tmp must be writable, and it should lie in memory (--tmpfs /tmp).
set -eu
umask 077
memory=$(mktemp -d "${TMPDIR:-/tmp}/work.XXXXXX")
trap 'rm -rf "$memory"' EXIT
trap 'exit 130' HUP INT TERM
export HOME="$memory" XDG_RUNTIME_DIR="$memory" XDG_STATE_HOME="$memory/state" OSTIARY_CONFIG_DIR="$memory/config"
export OSTIARY_STORE=memory

ostiary login --reason "work in a container"
trap 'ostiary logout >&2 || true; rm -rf "$memory"' EXIT # not exec: the end is ours, whatever comes of the work
"$@"
