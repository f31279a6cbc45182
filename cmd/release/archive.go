package main

import (
	"archive/tar"
	"archive/zip"
	"compress/gzip"
	"io"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// archive takes one file after the other. Times are those of the commit, modes
// and owners the same on each machine.
type archive interface {
	add(name string, mode int64, size int64, content io.Reader) error
	io.Closer
}

// writeArchive puts files, by their names, into an archive in folder, below a
// folder with the archive's name. It returns the file that it wrote: a .zip for
// Windows, a .tar.gz for others.
func writeArchive(folder, name string, p platform, at time.Time, files map[string]string) (file string, err error) {
	file, kind := filepath.Join(folder, name+".tar.gz"), newTarball
	if p.system == "windows" {
		file, kind = filepath.Join(folder, name+".zip"), newZip
	}
	out, err := os.Create(file)
	if err != nil {
		return "", err
	}
	a := kind(out, at.UTC())
	for _, entry := range slices.Sorted(maps.Keys(files)) {
		if err == nil {
			err = addFile(a, path.Join(name, entry), files[entry])
		}
	}
	for _, closer := range []io.Closer{a, out} {
		if e := closer.Close(); err == nil {
			err = e
		}
	}
	return file, err
}

func addFile(a archive, name, from string) error {
	file, err := os.Open(from)
	if err != nil {
		return err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	mode := int64(0o644)
	if base := path.Base(name); strings.TrimSuffix(base, ".exe") == "wechat-gateway" {
		mode = 0o755
	}
	return a.add(name, mode, info.Size(), file)
}

type tarball struct {
	gzip *gzip.Writer
	tar  *tar.Writer
	at   time.Time
}

func newTarball(out io.Writer, at time.Time) archive {
	compressed := gzip.NewWriter(out) // its header has no time and no name
	return &tarball{compressed, tar.NewWriter(compressed), at}
}

func (t *tarball) add(name string, mode, size int64, content io.Reader) error {
	header := &tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: mode, Size: size, ModTime: t.at, Format: tar.FormatUSTAR}
	if err := t.tar.WriteHeader(header); err != nil {
		return err
	}
	_, err := io.Copy(t.tar, content)
	return err
}

// Close implements io.Closer.
func (t *tarball) Close() error {
	if err := t.tar.Close(); err != nil {
		return err
	}
	return t.gzip.Close()
}

type zipped struct {
	zip *zip.Writer
	at  time.Time
}

func newZip(out io.Writer, at time.Time) archive { return &zipped{zip.NewWriter(out), at} }

func (z *zipped) add(name string, mode, _ int64, content io.Reader) error {
	header := &zip.FileHeader{Name: name, Method: zip.Deflate, Modified: z.at}
	header.SetMode(os.FileMode(mode))
	entry, err := z.zip.CreateHeader(header)
	if err != nil {
		return err
	}
	_, err = io.Copy(entry, content)
	return err
}

// Close implements io.Closer.
func (z *zipped) Close() error { return z.zip.Close() }
