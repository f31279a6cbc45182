package form

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"strings"
)

const (
	// MaxSize bounds what is kept of a form, in bytes: the body of an
	// urlencoded form, the names and values of another one.
	MaxSize = 1 << 20
	// maxWritten bounds the fields as MarshalJSON writes them, in bytes. It
	// leaves room for the page around them: within twice MaxSize.
	maxWritten = 2*MaxSize - 64<<10
	// maxName bounds the name of a field, in bytes.
	maxName = maxPartHeader
	// MaxBody bounds the body of a form with files, in bytes. Contents of files
	// are read and dropped.
	MaxBody = 32 << 20
	// MaxFields bounds the number of fields.
	MaxFields = 2000
)

// The reasons for which nothing of a form is kept. Errors of the reader are
// returned as they are.
var (
	ErrTooLarge      = errors.New("form: the form is too large")
	ErrTooManyFields = fmt.Errorf("%w: it has too many fields", ErrTooLarge)
	ErrBroken        = errors.New("form: the body is not a form")
)

// Kind says what of a field is kept.
type Kind string

// The kinds of fields.
const (
	Text   Kind = ""       // its value
	NoFile Kind = "nofile" // a field for a file, of which none was chosen
	File   Kind = "file"   // its name only: it was a file
	Secret Kind = "secret" // its name only: it is named like a password or a card number
)

// Field is one field as it was sent, in the charset of the form.
type Field struct {
	Name, Value string
	Kind        Kind
}

// Form is a form without what must not be kept.
type Form struct {
	Multipart bool // multipart/form-data; otherwise application/x-www-form-urlencoded
	Fields    []Field
}

// Whole reports whether nothing of the form was left out.
func (f Form) Whole() bool {
	for _, field := range f.Fields {
		if field.Kind == File || field.Kind == Secret {
			return false
		}
	}
	return true
}

// MarshalJSON writes the form for the script of a page, each byte as the
// character that it is in windows-1252:
// {"multipart":true,"fields":[["name","value",""],["photo","","file"]]}.
func (f Form) MarshalJSON() ([]byte, error) {
	size := fieldsAround
	for _, field := range f.Fields {
		size += field.written()
	}
	out := make([]byte, 0, size)
	out = fmt.Appendf(out, `{"multipart":%t,"fields":[`, f.Multipart)
	for i, field := range f.Fields {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(appendWritten(append(out, '['), field.Name), ',')
		out = append(appendWritten(out, field.Value), ',')
		out = append(appendWritten(out, string(field.Kind)), ']')
	}
	return append(out, ']', '}'), nil
}

// fieldsAround is the length of what MarshalJSON writes around the fields.
const fieldsAround = len(`{"multipart":false,"fields":[]}`)

// written returns how long the field is in JSON, in bytes.
func (f Field) written() int {
	return len(`["","",""],`) + written(f.Name) + written(f.Value) + len(f.Kind)
}

const (
	urlencoded = "application/x-www-form-urlencoded"
	multiparts = "multipart/form-data"
)

// Readable reports whether a Content-Type is that of a form that Read reads.
func Readable(contentType string) bool {
	kind, params, err := mime.ParseMediaType(contentType)
	return err == nil && (kind == urlencoded || kind == multiparts && params["boundary"] != "")
}

// Read reads a form of a Content-Type that is Readable.
func Read(body io.Reader, contentType string) (Form, error) {
	kind, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		return Form{}, ErrBroken
	}
	k := keeper{form: Form{Multipart: kind == multiparts}, left: MaxSize, room: maxWritten}
	if k.form.Multipart {
		err = k.readParts(body, params["boundary"])
	} else {
		err = k.readPairs(body)
	}
	if err != nil {
		return Form{}, err
	}
	return k.form, nil
}

// keeper keeps fields within the limits.
type keeper struct {
	form Form
	left int // bytes
	room int // bytes as they are written
}

// keep adds a field. The value of a secret is dropped here.
func (k *keeper) keep(f Field) error {
	if f.Name == "" {
		return ErrBroken // no browser sends one, and none could send it again
	}
	if len(f.Name) > maxName {
		return ErrTooLarge
	}
	if f.Kind == Text && f.Value != "" && IsSecret(f.Name) {
		f.Kind, f.Value = Secret, ""
	}
	k.left -= len(f.Name) + len(f.Value)
	k.room -= f.written()
	switch {
	case k.left < 0 || k.room < 0:
		return ErrTooLarge
	case len(k.form.Fields) >= MaxFields:
		return ErrTooManyFields
	}
	k.form.Fields = append(k.form.Fields, f)
	return nil
}

// readPairs reads application/x-www-form-urlencoded (WHATWG URL).
func (k *keeper) readPairs(body io.Reader) error {
	text, err := io.ReadAll(io.LimitReader(body, MaxSize+1))
	if err != nil {
		return err
	}
	if len(text) > MaxSize {
		return ErrTooLarge
	}
	for pair := range strings.SplitSeq(string(text), "&") {
		if pair == "" {
			continue
		}
		name, value, _ := strings.Cut(pair, "=")
		f := Field{}
		var okName, okValue bool
		f.Name, okName = unescape(name)
		if f.Value, okValue = unescape(value); !okName || !okValue {
			return ErrBroken
		}
		if err := k.keep(f); err != nil {
			return err
		}
	}
	return nil
}

// unescape undoes the percent-encoding of a name or a value. Unlike net/url it
// accepts every byte that a browser may leave as it is.
func unescape(s string) (string, bool) {
	if !strings.ContainsAny(s, "%+") {
		return s, true
	}
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '+':
			out = append(out, ' ')
		case '%':
			if i+2 >= len(s) {
				return "", false
			}
			high, okHigh := hexDigit(s[i+1])
			low, okLow := hexDigit(s[i+2])
			if !okHigh || !okLow {
				return "", false
			}
			out = append(out, high<<4|low)
			i += 2
		default:
			out = append(out, s[i])
		}
	}
	return string(out), true
}

func hexDigit(c byte) (byte, bool) {
	switch {
	case c >= '0' && c <= '9':
		return c - '0', true
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10, true
	case c >= 'A' && c <= 'F':
		return c - 'A' + 10, true
	}
	return 0, false
}
