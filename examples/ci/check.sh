#!/bin/sh
# check.sh STACK BASE [OWNER]: fails where the change since BASE adds what no agreement or ground covers. README.md says how.
set -eu
stack=${1:?usage: check.sh STACK BASE [OWNER]} base=${2:?usage: check.sh STACK BASE [OWNER]} owner=${3:-}
licet=${LICET:-licet}

for pair in cyclonedx:bom.json terraform:terraform.json; do
  file=${pair#*:}
  [ ! -f "$file" ] || "$licet" import "${pair%%:*}" "$file" --into "$stack" ${owner:+--owner "$owner"}
done
facts=""
[ ! -f facts.json ] || facts="--facts facts.json --facts-key ${LICET_FACTS_KEY:-log.vkey}"

# Once for code review, once for people: the second one decides.
# shellcheck disable=SC2086
"$licet" check "$stack" --since "$base" $facts --format sarif >licet.sarif || [ $? -eq 1 ]
# shellcheck disable=SC2086
exec "$licet" check "$stack" --since "$base" $facts
