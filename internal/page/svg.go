package page

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
)

// otherPictures lists the first bytes of other formats that are sometimes
// renamed to .svg.
var otherPictures = []struct{ begin, name string }{
	{"\x89PNG", "a PNG picture"},
	{"\xff\xd8\xff", "a JPEG picture"},
	{"GIF8", "a GIF picture"},
	{"RIFF", "a WebP picture"},
	{"BM", "a BMP picture"},
	{"%PDF", "a PDF document"},
	{"\x1f\x8b", "a compressed SVG (svgz)"},
}

var (
	errSVGEntity  = errors.New("the SVG declares entities (<!ENTITY …>), which a page cannot have; save it again as plain SVG")
	errSVGNoRoot  = errors.New("there is no <svg> in the file")
	errSVGOutside = errors.New("something stands outside <svg>…</svg>")
	errSVGPrefix  = errors.New("its elements have a prefix (<svg:svg>), which a page cannot read; save it again as plain SVG")
)

// parseSVG returns the <svg> element of a file, for use in a page. It leaves
// out text before the element (an XML declaration, a DOCTYPE, comments), which
// has no meaning in HTML. Malformed SVG is an error, because an unclosed
// element would contain the rest of the page. A blank file means no picture.
func parseSVG(data []byte) ([]byte, error) {
	for _, other := range otherPictures {
		if bytes.HasPrefix(data, []byte(other.begin)) {
			return nil, fmt.Errorf("the file is %s; a picture must be SVG, whatever its name", other.name)
		}
	}
	text, err := decodeText(data)
	if err != nil || len(bytes.TrimSpace(text)) == 0 {
		return nil, err
	}
	s := svgScan{text: text, decoder: xml.NewDecoder(bytes.NewReader(text))}
	// Ignore the declared encoding: decodeText has checked that the file is
	// UTF-8.
	s.decoder.CharsetReader = func(_ string, input io.Reader) (io.Reader, error) { return input, nil }
	return s.root()
}

// svgScan reads a file once.
type svgScan struct {
	text       []byte
	decoder    *xml.Decoder
	depth      int
	begin, end int64 // of the root
}

func (s *svgScan) root() ([]byte, error) {
	for {
		at := s.decoder.InputOffset()
		token, err := s.decoder.Token()
		switch {
		case errors.Is(err, io.EOF) && s.end > 0:
			return s.text[s.begin:s.end], nil
		case errors.Is(err, io.EOF):
			return nil, errSVGNoRoot
		case err != nil:
			return nil, s.malformed(err)
		}
		if err := s.step(token, at); err != nil {
			return nil, err
		}
	}
}

// step checks one token, which begins at offset at.
func (s *svgScan) step(token xml.Token, at int64) error {
	switch t := token.(type) {
	case xml.StartElement:
		if s.depth == 0 {
			if err := s.checkRoot(t, at); err != nil {
				return err
			}
			s.begin = at
		}
		s.depth++
	case xml.EndElement:
		if s.depth--; s.depth == 0 {
			s.end = s.decoder.InputOffset()
		}
	case xml.CharData:
		if s.depth == 0 && len(bytes.TrimSpace(t)) > 0 {
			return errSVGOutside
		}
	case xml.Directive:
		if s.depth > 0 || s.end > 0 {
			return errSVGOutside
		}
		if bytes.ContainsRune(t, '[') || bytes.Contains(bytes.ToUpper(t), []byte("ENTITY")) {
			return errSVGEntity
		}
	}
	return nil
}

func (s *svgScan) checkRoot(root xml.StartElement, at int64) error {
	switch {
	case s.end > 0:
		return errSVGOutside
	case root.Name.Local != "svg":
		return fmt.Errorf("the file begins with <%.40s>, not with <svg>", root.Name.Local)
	case !bytes.HasPrefix(s.text[at:], []byte("<svg")), bytes.HasPrefix(s.text[at:], []byte("<svg:")):
		return errSVGPrefix
	}
	return nil
}

// malformed returns an error with the line where an SVG is malformed.
func (s *svgScan) malformed(err error) error {
	var syntax *xml.SyntaxError
	switch {
	case !errors.As(err, &syntax):
		return fmt.Errorf("the SVG cannot be read: %w", err)
	case syntax.Msg == "unexpected EOF" && s.depth == 0:
		return errSVGNoRoot
	case syntax.Msg == "unexpected EOF":
		return fmt.Errorf("line %d: the SVG is not closed: the file ends before </svg>", syntax.Line)
	default:
		return fmt.Errorf("line %d: the SVG is not well-formed: %s", syntax.Line, syntax.Msg)
	}
}
