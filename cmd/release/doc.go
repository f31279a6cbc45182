// Command release makes the files of a release from the commit HEAD: a binary
// for each platform in an archive, its bill of materials, and checksums.
//
//	go run ./cmd/release
//
// HEAD must have a tag such as v1.2.3, which becomes the version. --snapshot
// goes without: the version is then Go's pseudo-version of the commit.
//
// The files depend on the commit and on the version of Go alone. Two runs give
// the same bytes, on any machine: the commit is checked out into an empty
// folder, paths and the environment's options for Go are left out, and times in
// archives are the commit's. --verify builds all binaries again, in another
// folder and without the cache, and compares.
//
// Go must be able to fetch modules, also that of the program that writes the
// bills of materials.
package main
