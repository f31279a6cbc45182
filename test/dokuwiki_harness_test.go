package test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
)

// wiki returns Debian's DokuWiki on PHP-FPM, with the plugin and the settings
// that docs/oldapps.md shows. It is a copy in a folder of its own: Debian's
// stays as it is. One serves all tests.
func wiki(t *testing.T) phpServer {
	t.Helper()
	server, err := sharedWiki()
	if err != nil {
		t.Fatal(err)
	}
	return server
}

var sharedWiki = sync.OnceValues(func() (phpServer, error) {
	var none phpServer
	if err := installed("/usr/share/dokuwiki/doku.php", "dokuwiki"); err != nil {
		return none, err
	}
	root, err := os.MkdirTemp("", "dokuwiki-")
	if err != nil {
		return none, err
	}
	whenAllTestsEnd(func() { _ = os.RemoveAll(root) })
	// Debian keeps the parts of DokuWiki in several places. inc/preload.php
	// says so, and is left out: without it, all is where the program is.
	for _, part := range []struct{ to, from string }{
		{".", "/usr/share/dokuwiki"},
		{"lib", "/var/lib/dokuwiki/lib"},
		{"conf", "/etc/dokuwiki"},
	} {
		if err := copyFiles(filepath.Join(root, part.to), part.from); err != nil {
			return none, err
		}
	}
	if err := os.Remove(filepath.Join(root, "inc/preload.php")); err != nil {
		return none, err
	}
	for _, part := range []struct{ to, from string }{
		{"conf", "testdata/dokuwiki/conf"},
		{"lib/plugins", "testdata/dokuwiki/plugins"},
	} {
		if err := copyFiles(filepath.Join(root, part.to), part.from); err != nil {
			return none, err
		}
	}
	document, err := os.ReadFile("../docs/oldapps.md")
	if err != nil {
		return none, err
	}
	for to, block := range map[string]*regexp.Regexp{
		"lib/plugins/authwechat/auth.php": regexp.MustCompile("(?s)```php\n(<\\?php\n// Signs.*?)```"),
		"conf/local.php":                  regexp.MustCompile("(?s)```php\n(<\\?php\n\\$conf.*?)```"),
		"conf/acl.auth.php":               regexp.MustCompile("(?s)```text\n(\\*\t@ALL.*?)```"),
	} {
		match := block.FindSubmatch(document)
		if match == nil {
			return none, fmt.Errorf("docs/oldapps.md has no %s", to)
		}
		if err := os.WriteFile(filepath.Join(root, to), match[1], 0o600); err != nil {
			return none, err
		}
	}
	for _, folder := range []string{"attic", "cache", "index", "locks", "log", "media", "media_attic", "media_meta", "meta", "pages", "tmp"} {
		if err := os.MkdirAll(filepath.Join(root, "data", folder), 0o700); err != nil {
			return none, err
		}
	}
	return startPHP(root, 4, "ctype", "fileinfo", "iconv", "posix", "tokenizer", "dom", "simplexml", "xml")
})

// copyFiles copies a folder's files over those that are there, and leaves its
// links out.
func copyFiles(to, from string) error {
	return filepath.WalkDir(from, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		target := filepath.Join(to, strings.TrimPrefix(path, from))
		switch {
		case entry.IsDir():
			return os.MkdirAll(target, 0o700)
		case !entry.Type().IsRegular():
			return nil
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(target, content, 0o600)
	})
}
