package form

import (
	"errors"
	"io"
	"mime/multipart"
	"strings"
)

// maxPartHeader bounds the header of one part, in bytes. mime/multipart itself
// would hold 10 MiB.
const maxPartHeader = 16 << 10

// headerGuard fails when one header is longer than maxPartHeader.
type headerGuard struct {
	body io.Reader
	in   bool // a header is being read
	left int
}

func (g *headerGuard) Read(p []byte) (int, error) {
	if !g.in {
		return g.body.Read(p)
	}
	if g.left <= 0 {
		return 0, ErrTooLarge
	}
	n, err := g.body.Read(p[:min(len(p), g.left)])
	g.left -= n
	return n, err
}

// next reads the header of the next part. The part before it must have been
// read to its end.
func (g *headerGuard) next(parts *multipart.Reader) (*multipart.Part, error) {
	g.in, g.left = true, maxPartHeader
	defer func() { g.in = false }()
	return parts.NextRawPart()
}

// readParts reads multipart/form-data (RFC 7578, as WHATWG HTML has it).
func (k *keeper) readParts(body io.Reader, boundary string) error {
	// A reader of parts stops at the last boundary. It takes the end of a body
	// after any other one for that: here it meets an error instead. The line
	// end is for bodies that have none.
	guard := &headerGuard{body: io.MultiReader(&honest{body: body}, strings.NewReader("\r\n"), cut{})}
	parts := multipart.NewReader(guard, boundary)
	for {
		part, err := guard.next(parts)
		if err == io.EOF { //nolint:errorlint // only after the last part; a wrapped one means a body that was cut off
			return nil
		}
		if err != nil {
			return cause(err)
		}
		if err := k.readPart(part); err != nil {
			return cause(err)
		}
	}
}

// readError is an error of the body itself, not of its form.
type readError struct{ error }

func (e readError) Unwrap() error { return e.error }

// honest marks errors of a body, which mime/multipart mixes up with its own.
type honest struct{ body io.Reader }

func (h *honest) Read(p []byte) (int, error) {
	n, err := h.body.Read(p)
	if err != nil && err != io.EOF {
		err = readError{err}
	}
	return n, err
}

// cut is what follows a body.
type cut struct{}

func (cut) Read([]byte) (int, error) { return 0, ErrBroken }

// cause returns why the parts could not be read.
func cause(err error) error {
	var read readError
	switch {
	case errors.As(err, &read):
		return read.error
	case errors.Is(err, ErrTooManyFields):
		return ErrTooManyFields
	case errors.Is(err, ErrTooLarge):
		return ErrTooLarge
	default:
		return ErrBroken
	}
}

func (k *keeper) readPart(part *multipart.Part) error {
	name, isFile, ok := disposition(part.Header.Get("Content-Disposition"))
	if !ok {
		return ErrBroken
	}
	if isFile {
		size, err := io.Copy(io.Discard, part)
		if err != nil {
			return err
		}
		kind := File
		if size == 0 && part.FileName() == "" {
			kind = NoFile
		}
		return k.keep(Field{Name: name, Kind: kind})
	}
	value, err := io.ReadAll(io.LimitReader(part, int64(k.left)+1))
	if err != nil {
		return err
	}
	if len(value) > k.left {
		return ErrTooLarge
	}
	return k.keep(Field{Name: name, Value: string(value)})
}

// disposition reads the name of a part, byte for byte. The package mime would
// take a backslash for an escape, but in a name in GBK it is half a character:
// browsers escape quotation marks and line ends as %22, %0D and %0A.
func disposition(header string) (name string, isFile, ok bool) {
	kind, rest, _ := strings.Cut(header, ";")
	if !strings.EqualFold(strings.TrimSpace(kind), "form-data") {
		return "", false, false
	}
	for rest = strings.TrimSpace(rest); rest != ""; rest = strings.TrimSpace(rest) {
		key, after, found := strings.Cut(rest, `="`)
		value, more, closed := strings.Cut(after, `"`)
		if !found || !closed {
			return "", false, false
		}
		switch key = strings.ToLower(strings.TrimSpace(key)); {
		case key == "name" && name == "":
			name = value
		case strings.HasPrefix(key, "filename"):
			isFile = true
		}
		rest = strings.TrimPrefix(strings.TrimSpace(more), ";")
	}
	return name, isFile, name != ""
}
