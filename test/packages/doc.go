// Package packages tests what operators install: the image of the Dockerfile,
// compose.yaml, the manifests for Kubernetes, the systemd unit, the files of a
// release, and the workflows for forks. It is a module of its own, so that the
// gateway's go.mod knows none of the libraries that read these files.
//
// It needs Linux, root, buildah, redis-server and systemd, and no network. The
// gateway runs from the image's file system, as the image's user; the unit runs
// under a systemd of its own.
package packages
