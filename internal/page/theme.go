package page

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"errors"
	"fmt"
	"html/template"
	"io"
	"io/fs"
	"strings"
	"sync"
)

// errTheme is wrapped by every error of LoadTheme.
var errTheme = errors.New("page: theme")

var errEmpty = errors.New("the file is empty; remove it to have the built-in one")

// maxThemeFile bounds each file of a theme, in bytes.
const maxThemeFile = 256 << 10

const (
	templateFile = "page.html"
	styleFile    = "style.css"
	textsFile    = "texts.json"
	pictureExt   = ".svg"
)

// Theme has the layout, stylesheet, words and illustrations of all pages. Its
// zero value is the built-in theme. It is safe for concurrent use.
type Theme struct {
	template  *template.Template
	css       string        // the stylesheet without that of the brand
	style     template.HTML // with its element
	styleHash string        // as in a Content-Security-Policy
	texts     texts
	pictures  map[Kind]template.HTML
	brand     checkedBrand
	spare     *Theme // for pages that fail; nil means the built-in one
}

//go:embed theme
var builtinFiles embed.FS

// Files returns the files of the built-in theme. LoadTheme reads them as they
// are.
func Files() fs.FS {
	files, err := fs.Sub(builtinFiles, "theme")
	if err != nil {
		panic(err) // never: the folder is compiled in
	}
	return files
}

// builtin returns the built-in theme, which is parsed once.
var builtin = sync.OnceValue(func() *Theme {
	t, err := load(Files(), &Theme{texts: texts{}, pictures: map[Kind]template.HTML{}})
	if err != nil {
		panic(err) // never: tests load it
	}
	return t
})

// LoadTheme replaces files of the built-in theme with those of a folder; see
// the package comment for their names. It renders every page once, so that a
// mistake is found here and not by a visitor. Errors name the file.
func LoadTheme(folder fs.FS) (*Theme, error) {
	t, err := load(folder, builtin().clone())
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errTheme, err)
	}
	if err := t.rehearse(); err != nil {
		return nil, fmt.Errorf("%w: %s: %w", errTheme, templateFile, err)
	}
	return t, nil
}

// load replaces files of base with those of a folder.
func load(folder fs.FS, base *Theme) (*Theme, error) {
	entries, err := fs.ReadDir(folder, ".")
	if err != nil {
		return nil, err
	}
	for _, entry := range entries {
		name := entry.Name()
		if strings.HasPrefix(name, ".") { // .git, and the ..data of a Kubernetes volume
			continue
		}
		put := base.slot(name)
		if put == nil {
			return nil, fmt.Errorf("%s: no such part; there are %s, %s, %s and <page>%s",
				name, templateFile, styleFile, textsFile, pictureExt)
		}
		data, err := readFile(folder, name)
		if err != nil {
			return nil, err
		}
		if err := put(data); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	return base, nil
}

// slot returns the function that reads a file of that name, nil for an unknown
// name.
func (t *Theme) slot(name string) func(data []byte) error {
	switch name {
	case templateFile:
		return asText(t.setTemplate)
	case styleFile:
		return asText(t.setStyle)
	case textsFile:
		return asText(t.setTexts)
	}
	kind, ok := strings.CutSuffix(name, pictureExt)
	if _, known := statuses[Kind(kind)]; !ok || !known {
		return nil
	}
	return func(data []byte) error {
		picture, err := parseSVG(data)
		if err != nil {
			return err
		}
		t.pictures[Kind(kind)] = template.HTML(picture) //nolint:gosec // the operator's own, like the template
		return nil
	}
}

// asText decodes a file and passes its text to put.
func asText(put func(text []byte) error) func(data []byte) error {
	return func(data []byte) error {
		text, err := decodeText(data)
		if err != nil {
			return err
		}
		return put(text)
	}
}

func (t *Theme) setTemplate(data []byte) (err error) {
	if len(bytes.TrimSpace(data)) == 0 {
		return errEmpty
	}
	t.template, err = template.New(templateFile).Parse(string(data))
	return err
}

func (t *Theme) setStyle(data []byte) error {
	if strings.Contains(strings.ToLower(string(data)), "</style") {
		return errors.New("the stylesheet must not contain </style")
	}
	t.css = string(data)
	t.hashStyle(t.css)
	return nil
}

// hashStyle makes the element of a stylesheet, and its hash for the
// Content-Security-Policy.
func (t *Theme) hashStyle(css string) {
	hash := sha256.Sum256([]byte(css))
	t.style = template.HTML("<style>" + css + "</style>") //nolint:gosec // the operator's own; has no </style
	t.styleHash = "sha256-" + base64.StdEncoding.EncodeToString(hash[:])
}

func (t *Theme) setTexts(data []byte) error {
	own, err := parseTexts(data)
	if err != nil {
		return err
	}
	if len(t.texts) == 0 {
		t.texts = own
		return nil
	}
	return t.texts.overlay(own)
}

// orSpare returns the theme for pages that fail in t.
func (t *Theme) orSpare() *Theme {
	if t.spare == nil {
		return builtin()
	}
	return t.spare
}

// readFile reads one file of a theme.
func readFile(folder fs.FS, name string) ([]byte, error) {
	file, err := folder.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, maxThemeFile+1))
	if err != nil {
		return nil, err
	}
	if len(data) > maxThemeFile {
		return nil, fmt.Errorf("%s: larger than %d bytes", name, maxThemeFile)
	}
	return data, nil
}
