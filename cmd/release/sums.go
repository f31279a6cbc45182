package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// sumsFile is in the form of sha256sum -c.
const sumsFile = "SHA256SUMS"

// writeSums writes the checksums of all files of a folder.
func writeSums(folder string) error {
	entries, err := os.ReadDir(folder) // sorted
	if err != nil {
		return err
	}
	var text strings.Builder
	for _, entry := range entries {
		hash, err := sum(filepath.Join(folder, entry.Name()))
		if err != nil {
			return err
		}
		fmt.Fprintf(&text, "%x  %s\n", hash, entry.Name())
	}
	return os.WriteFile(filepath.Join(folder, sumsFile), []byte(text.String()), 0o644) //nolint:gosec // what is published is no secret
}
