#!/usr/bin/env bash
# Installs what the tests need (Debian, root) and passes them all. Nothing is skipped: what is missing fails.
set -euo pipefail
cd "$(dirname "$0")/.."

# What stands behind and before the gateway in the end-to-end tests.
packages=(redis-server chromium tomcat10 tomcat10-examples default-jdk-headless php-fpm dokuwiki fonts-noto-cjk nodejs nginx haproxy prometheus python3-flask python3-django python3-jwt python3-cryptography)
# Some packages of nodejs bring npm along; Debian's has a package of its own for it.
command -v npm >/dev/null || packages+=(npm)
missing=()
for package in "${packages[@]}"; do
	dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing+=("$package")
done
if ((${#missing[@]})); then
	echo "== installing ${missing[*]}"
	[ "$(id -u)" = 0 ] || { echo "not root: install these first: apt-get install ${missing[*]}" >&2; exit 1; }
	export DEBIAN_FRONTEND=noninteractive
	# Packages must not start services of their own: the tests start what they need, on free loopback ports.
	policy=/usr/sbin/policy-rc.d
	[ -e "$policy" ] || { printf '#!/bin/sh\nexit 101\n' >"$policy"; chmod +x "$policy"; trap 'rm -f "$policy"' EXIT; }
	apt-get update -qq
	apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi

echo "== npm packages of the programs of docs/spa.md"
(cd test/testdata/spa && npm ci --ignore-scripts --no-audit --no-fund --prefer-offline)

echo "== go mod tidy, gofmt, vet"
go mod tidy -diff
unformatted=$(gofmt -l $(git ls-files '*.go'))
[ -z "$unformatted" ] || { echo "gofmt would change: $unformatted" >&2; exit 1; }
go vet ./...
go vet -tags fleet ./test

echo "== golangci-lint"
lint=github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
go run "$lint" run --allow-parallel-runners --build-tags fleet ./...

echo "== the demo signs a visitor in"
go run ./cmd/wechat-gateway wechat demo --check

echo "== go test"
# Every test of every room, in random order, -p 2: two rooms side by side on two cores. All with the race detector but the end-to-end tests over
# https: Caddy 2.11.9 has a race of its own between starting its TLS app and the events of certificates, which would fail them at random.
https='^Test(Browser|Tomcat|Forged|Secure|Upstreams|Attack.*OverHTTP3)'
go test -race -shuffle=on -p 2 -timeout 20m -skip "$https" ./...
go test -shuffle=on -timeout 20m -run "$https" ./test

echo "== other people's SDKs"
# A module of its own. It starts the gateway as a program, which the cache of results does not see: -count=1.
(
	cd test/sdk
	npm ci --ignore-scripts --no-audit --no-fund --prefer-offline
	go mod tidy -diff
	go vet ./...
	go run "$lint" run --allow-parallel-runners ./...
	go test -count=1 -shuffle=on -timeout 5m ./...
)

echo "== fleets under fire"
# Alone, after everything else: they measure, and their load must be one. A tag keeps them out of `go test ./...`, the quick loop.
./test/fleet.sh
