#!/bin/sh
# Runs a command on a server by SSH, signed in there as you.
#
#   on-server.sh HOST COMMAND [ARGUMENT…]
#
# Where nobody is signed in there, or for less than ten minutes more, you are shown a code first and type it in the
# browser of this machine. SSH names another ssh, or one with options: SSH="ssh -p 2222".
set -eu
host=$1
shift
ssh=${SSH:-ssh}

status=0
$ssh -T "$host" ostiary status --require 10m >&2 || status=$?
case $status in
    0) ;;
    3) $ssh -tt "$host" ostiary login --reason on-server.sh ;; # a terminal: the code is for a person
    *) exit "$status" ;;
esac
$ssh -T "$host" ostiary run -- "$@"
