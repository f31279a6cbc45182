# The image of the gateway: one static binary, and nothing else.
#
#	docker build --build-arg VERSION=v1.2.3 -t wechat-gateway .
#
# From a binary that is there already (a release, or your own with more plugins), without compiling:
#
#	docker build --target from-binary --build-arg BINARY=wechat-gateway -t wechat-gateway .
#
# docs/deploy/docker.md says how to run it.

# A mirror of Docker Hub goes here: --build-arg GO_IMAGE=mirror.example.com/library/golang:1.26-bookworm
ARG GO_IMAGE=golang:1.26-bookworm

# Compiles on the builder's own processor, for the one of the image.
FROM --platform=$BUILDPLATFORM ${GO_IMAGE} AS build
# A mirror of Go's modules: --build-arg GOPROXY=https://goproxy.cn,direct
ARG GOPROXY=https://proxy.golang.org,direct
ENV GOPROXY=${GOPROXY} CGO_ENABLED=0 GOFLAGS=-trimpath
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG TARGETOS=linux
ARG TARGETARCH
ARG VERSION
RUN GOOS=${TARGETOS} GOARCH=${TARGETARCH} go build -buildvcs=false \
	-ldflags "-s -w -X github.com/caddy-wechat/gateway/caddymodule.stamp=${VERSION}" \
	-o /out/wechat-gateway ./cmd/wechat-gateway

# What both images have. The binary brings certificate authorities and time zones.
FROM scratch AS base
LABEL org.opencontainers.image.title="WeChat Gateway for Caddy" \
	org.opencontainers.image.source="https://github.com/caddy-wechat/gateway" \
	org.opencontainers.image.licenses="Apache-2.0"
COPY LICENSE /usr/share/doc/wechat-gateway/
# Certificates, session keys and the ledger are in /data, the configuration that was loaded last in /config. Each has one
# file, so that the folders belong to the user below, and new volumes as well.
COPY --chown=65532:65532 docs/deploy/docker/data/ /data/
COPY --chown=65532:65532 docs/deploy/docker/config/ /config/
ENV PATH=/usr/bin HOME=/data TMPDIR=/data XDG_DATA_HOME=/data XDG_CONFIG_HOME=/config
WORKDIR /data
USER 65532:65532
VOLUME ["/data", "/config"]
EXPOSE 80 443 443/udp
# Asks whether the process works, and not whether Redis does: where a failed check restarts the container, as in Docker
# Swarm, a restart would not help.
HEALTHCHECK --interval=30s --timeout=10s --start-period=1m --retries=3 CMD ["/usr/bin/wechat-gateway", "wechat", "health"]
ENTRYPOINT ["/usr/bin/wechat-gateway"]
CMD ["run", "--config", "/etc/caddy/Caddyfile"]

FROM base AS from-binary
ARG BINARY=wechat-gateway
COPY --chmod=755 ${BINARY} /usr/bin/wechat-gateway

FROM base
COPY --from=build --chmod=755 /out/wechat-gateway /usr/bin/wechat-gateway
