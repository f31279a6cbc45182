#!/usr/bin/env bash
# Fleets under fire: two gateway processes on real Redis (one server, TLS, Sentinel, Cluster), 200 requests a second, while servers are killed,
# paused, failed over and reloaded; bursts of 10,000 pushes; 100,000 events that wait; Prometheus, which watches gateways while faults are planted; upgrades
# from gateways of earlier commits, which it builds. Prints its counts. Takes about thirteen minutes; the last step of all.sh, alone, for those who work on it.
# FLEET_BEFORE=<binary of a version before> ./test/fleet.sh has the first gateway of each fleet run that one: a rolling upgrade.
set -euo pipefail
cd "$(dirname "$0")/.."
go test -tags fleet -run '^TestBurst$' -v -timeout 5m ./internal/push
go test -tags fleet -run '^Test(OutboxManyWaiting|RedisOutboxManyWaiting|RedisStaleness|FleetOnePerson)$' -v -p 1 -timeout 5m ./internal/ledger/boltledger ./internal/ledger/redisledger
exec go test -tags fleet -run '^Test(Fleet|PrometheusAlerts$|BurstOfPushes$)' -v -timeout 20m ./test "$@"
