package page

import (
	"encoding/base64"
	"html/template"

	"rsc.io/qr"
)

const (
	// MaxCode bounds the file of a QR code, in bytes: each page has it inside.
	MaxCode = 256 << 10
	// codeScale is how many pixels wide a module of a drawn code is.
	codeScale = 8
)

// Code is a QR code as a picture: in WeChat, visitors press it long to scan it,
// which does not work with the drawings of drawQR. The zero value is none.
type Code struct {
	address string // data:
}

// NewCode returns the picture in a file: PNG, JPEG, WebP or SVG by its content,
// whatever its name.
func NewCode(file []byte) (Code, error) {
	if len(file) == 0 {
		return Code{}, errLogoEmpty
	}
	address, err := pictureAddress(file, MaxCode)
	return Code{address}, err
}

// DrawCode returns a text as a QR code, none for an empty or too long text.
func DrawCode(text string) Code {
	if text == "" || len(text) > sturdyQR {
		return Code{}
	}
	code, err := qr.Encode(text, qr.M)
	if err != nil {
		return Code{}
	}
	code.Scale = codeScale
	return Code{"data:image/png;base64," + base64.StdEncoding.EncodeToString(code.PNG())}
}

// IsZero reports whether there is no code.
func (c Code) IsZero() bool { return c.address == "" }

// element returns the code as an <img>, "" for none.
func (c Code) element(v *view) template.HTML {
	if c.IsZero() {
		return ""
	}
	words, err := v.T("qr")
	if err != nil {
		return "" // never: the built-in texts have it
	}
	return template.HTML(`<img class="code" src="` + c.address + `" alt="` + template.HTMLEscapeString(words) + `">`) //nolint:gosec // a data: address of this package, and escaped words
}
