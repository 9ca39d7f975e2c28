#!/bin/sh
# A job of a pipeline that deploys: no person, no code, no secret. The forge signs who the job is.
#
#   job.sh CLIENT-ID ADDRESS
#
# OSTIARY_SERVER names the service. The forge's own variables say the rest (GitHub: `permissions: id-token: write`;
# GitLab: `id_tokens: OSTIARY_ID_TOKEN`).
set -eu
client=$1 address=$2

token=$(ostiary token --workload --client "$client" --resource api://tools)
# On stdin: arguments of a command can be read by everybody on the machine.
printf 'Authorization: Bearer %s\n' "$token" | curl --silent --show-error --fail-with-body -X POST --header @- "$address/deploy"
