#!/usr/bin/env bash
# Fleets under fire: two gateway processes on real Redis (one server, TLS, Sentinel, Cluster), 200 requests a second, while servers are killed,
# paused, failed over and reloaded. Prints its counts. Takes about five minutes; not part of all.sh, whose rooms test the same parts one by one.
set -euo pipefail
cd "$(dirname "$0")/.."
go vet -tags fleet ./test
exec go test -tags fleet -run '^TestFleet' -v -timeout 20m ./test "$@"
