#!/usr/bin/env bash
# Installs what the tests need (Debian, root) and passes them all. Nothing is skipped: what is missing fails. Says at its end what took longest.
set -euo pipefail
cd "$(dirname "$0")/.."

# What is compiled without the race detector, here and by tests that build the gateway, is compiled as for a release: Caddy once, not three times.
export CGO_ENABLED=0 GOFLAGS=-trimpath

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
step='' since=0

# begin names the next step, and notes how long the one before took.
begin() {
	[ -z "$step" ] || printf '%d\t%s\n' "$((SECONDS - since))" "$step" >>"$folder/took"
	step=$1 since=$SECONDS
	[ -z "$step" ] || echo "== $step"
}

# tests runs a `go test`, and notes how long each package took.
tests() {
	"$@" | tee "$folder/tests"
	awk -F '\t' '$1 ~ /^ok/ { printf "%d\t  %s\n", $3, $2 }' "$folder/tests" >>"$folder/took"
}

begin "Debian's packages"
# What stands behind and before the gateway in the end-to-end tests, and what operators install it with.
packages=(redis-server chromium tomcat10 tomcat10-examples default-jdk-headless php-fpm dokuwiki fonts-noto-cjk nodejs nginx haproxy prometheus python3-flask python3-django python3-jwt python3-cryptography buildah systemd)
# Some packages of nodejs bring npm along; Debian's has a package of its own for it.
command -v npm >/dev/null || packages+=(npm)
missing=()
for package in "${packages[@]}"; do
	dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing+=("$package")
done
if ((${#missing[@]})); then
	echo "installing ${missing[*]}"
	[ "$(id -u)" = 0 ] || { echo "not root: install these first: apt-get install ${missing[*]}" >&2; exit 1; }
	export DEBIAN_FRONTEND=noninteractive
	# Packages must not start services of their own: the tests start what they need, on free loopback ports.
	policy=/usr/sbin/policy-rc.d
	[ -e "$policy" ] || { printf '#!/bin/sh\nexit 101\n' >"$policy"; chmod +x "$policy"; trap 'rm -rf "$folder" "$policy"' EXIT; }
	apt-get update -qq
	apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi

# TestFleetUpgrade builds a version before, from the history.
[ "$(git rev-parse --is-shallow-repository)" = false ] || git fetch --quiet --unshallow

begin "npm packages of the programs of docs/spa.md"
(cd test/testdata/spa && npm ci --ignore-scripts --no-audit --no-fund --prefer-offline)

begin "go mod tidy, gofmt, vet"
go mod tidy -diff
unformatted=$(gofmt -l $(git ls-files '*.go'))
[ -z "$unformatted" ] || { echo "gofmt would change: $unformatted" >&2; exit 1; }
go vet ./...
go vet -tags fleet ./test

begin "golangci-lint"
lint=github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
go run "$lint" run --allow-parallel-runners --build-tags fleet ./...

begin "the demo signs a visitor in"
go run ./cmd/wechat-gateway wechat demo --check

# Every test of every room, in random order, -p 2: two rooms side by side on two cores. All with the race detector but the end-to-end tests over
# https: Caddy 2.11.9 has a race of its own between starting its TLS app and the events of certificates, which would fail them at random.
https='^Test(Browser|Tomcat|Forged|Secure|Upstreams|Attack.*OverHTTP)'
begin "go test -race"
# The race detector needs cgo. -exec: what these tests build does not.
tests env CGO_ENABLED=1 GOFLAGS= go test -race -exec 'env CGO_ENABLED=0 GOFLAGS=-trimpath' -shuffle=on -p 2 -timeout 20m -skip "$https" ./...
begin "go test, over https"
tests go test -shuffle=on -timeout 20m -run "$https" ./test

begin "other people's SDKs"
# A module of its own. It starts the gateway as a program, which the cache of results does not see: -count=1.
(
	cd test/sdk
	npm ci --ignore-scripts --no-audit --no-fund --prefer-offline
	go mod tidy -diff
	go vet ./...
	go run "$lint" run --allow-parallel-runners ./...
	go test -count=1 -shuffle=on -timeout 5m ./...
)

begin "packages"
./test/packages.sh

begin "fleets under fire"
# Alone, after everything else: they measure, and their load must be one. A tag keeps them out of `go test ./...`, the quick loop.
./test/fleet.sh

begin ""
printf '== passed in %d seconds; what took longest:\n' "$SECONDS"
sort -rn "$folder/took" | head -20 | awk -F '\t' '{ printf "%6d s  %s\n", $1, $2 }'
