#!/usr/bin/env bash
# What operators install: the image, compose, Kubernetes, systemd, a release. Needs root, and buildah and systemd of Debian. A module of its own:
# its networks and its systemd are in namespaces of their own. A step of all.sh.
set -euo pipefail
cd "$(dirname "$0")/packages"
for package in buildah systemd; do
	dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || { echo "install it first: apt-get install --no-install-recommends $package" >&2; exit 1; }
done
go mod tidy -diff
go vet ./...
go run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0 run --allow-parallel-runners ./...
exec go test -count=1 -shuffle=on -timeout 10m ./... "$@"
