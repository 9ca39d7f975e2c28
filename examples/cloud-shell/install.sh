#!/bin/sh
# Installs the build tool in a web console: no browser, nothing kept, no trust in our authority beforehand.
#
#   install.sh SERVER PACKAGES CLIENT-ID CA-FINGERPRINT [TARGET]
#
# SERVER signs people in, PACKAGES has the tool. CA-FINGERPRINT is the SHA-256 of the authority's certificate, as the
# page with this command says it: it comes to you by the browser of your own machine, which trusts the service already.
set -eu
server=$1 packages=$2 client=$3 fingerprint=$4 target=${5:-$HOME/bin}
here=$(cd "$(dirname "$0")" && pwd)

# All that is kept for the next minutes lies in memory, for this person alone, and goes with the script.
umask 077
memory=$(mktemp -d "$([ -w /dev/shm ] && echo /dev/shm || echo "${TMPDIR:-/tmp}")/install.XXXXXX")
trap 'rm -rf "$memory"' EXIT
trap 'exit 130' INT TERM
export XDG_RUNTIME_DIR="$memory" XDG_STATE_HOME="$memory/state" OSTIARY_CONFIG_DIR="$memory/config"
export OSTIARY_SERVER="$server" OSTIARY_STORE=memory

# Fetched from anybody (-k): it counts only if it is the one whose fingerprint the person was told.
curl -skf --max-time 30 --max-filesize 65536 -o "$memory/ca.pem" "$packages/ca.pem" || { echo "$packages does not answer" >&2; exit 7; }
seen=$(openssl x509 -in "$memory/ca.pem" -noout -fingerprint -sha256 | cut -d= -f2)
if [ "$seen" != "$fingerprint" ]; then
    echo "! That is not the authority you were told of. Somebody may be in between; nothing was sent." >&2
    echo "  told:  $fingerprint" >&2
    echo "  seen:  $seen" >&2
    exit 4
fi
# Exactly the certificate that was looked at, whatever else was in the file.
openssl x509 -in "$memory/ca.pem" -out "$memory/trusted.pem"
export SSL_CERT_FILE="$memory/trusted.pem"

ostiary login --device-code --ticket --client "$client" --scope "api://packages/Packages.Read" --reason "install the build tool"
trap 'ostiary logout >&2 || true; rm -rf "$memory"' EXIT
python3 "$here/fetch.py" "$packages/build-tool" "$memory/build-tool"
mkdir -p "$target"
install -m 0755 "$memory/build-tool" "$target/build-tool"
echo "installed: $target/build-tool" >&2
