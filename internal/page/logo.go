package page

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/xml"
	"errors"
	"fmt"
	"html/template"
	"image"
	_ "image/jpeg" // for DecodeConfig
	_ "image/png"  // for DecodeConfig
)

const (
	// MaxLogo bounds a logo, in bytes: each page has it inside.
	MaxLogo     = 64 << 10
	maxLogoSide = 2048 // pixels: a small file may be a very large picture

	svgNamespace = "http://www.w3.org/2000/svg"
)

var (
	errLogoFormat = errors.New("the file is not PNG, JPEG, WebP or SVG")
	errLogoEmpty  = errors.New("the file has no picture")
	errLogoSpace  = errors.New(`<svg> has no xmlns="` + svgNamespace + `", so that browsers do not show it as a picture; save it again as plain SVG`)
)

// logoElement returns a file as an <img>, "" for no file. An SVG in an <img> is
// a picture: browsers run no script in it and load nothing for it (attack:
// script in a logo). The name stands beside it, so that it needs no other text.
func logoElement(file []byte) (template.HTML, error) {
	if len(file) == 0 {
		return "", nil
	}
	address, err := pictureAddress(file, MaxLogo)
	if err != nil {
		return "", err
	}
	return template.HTML(`<img class="logo" src="` + address + `" alt="">`), nil //nolint:gosec // a data: address, made below
}

// pictureAddress returns a picture as a data: address: base64, and one of four
// types.
func pictureAddress(file []byte, limit int) (string, error) {
	if len(file) > limit {
		return "", fmt.Errorf("the file is larger than %d KiB; each page has it inside", limit>>10)
	}
	kind, err := logoType(file)
	if err != nil {
		return "", err
	}
	if kind == "image/svg+xml" {
		if file, err = logoSVG(file); err != nil {
			return "", err
		}
	}
	return "data:" + kind + ";base64," + base64.StdEncoding.EncodeToString(file), nil
}

// logoType returns the media type of a file by its content, whatever its name.
func logoType(file []byte) (string, error) {
	switch {
	case bytes.HasPrefix(file, []byte("\x89PNG")), bytes.HasPrefix(file, []byte("\xff\xd8\xff")):
		config, format, err := image.DecodeConfig(bytes.NewReader(file))
		if err != nil {
			return "", fmt.Errorf("the picture is broken: %w", err)
		}
		return "image/" + format, checkSide(config.Width, config.Height)
	case bytes.HasPrefix(file, []byte("RIFF")):
		return "image/webp", checkWebP(file)
	case len(bytes.TrimSpace(file)) == 0:
		return "", errLogoEmpty
	case !bytes.HasPrefix(bytes.TrimSpace(bytes.TrimPrefix(file, []byte(byteOrderMark))), []byte("<")):
		return "", errLogoFormat
	}
	return "image/svg+xml", nil
}

func checkSide(width, height int) error {
	if width > maxLogoSide || height > maxLogoSide {
		return fmt.Errorf("the picture has %d × %d pixels, at most %d × %d", width, height, maxLogoSide, maxLogoSide)
	}
	return nil
}

// checkWebP reads the header of a WebP file (RFC 9649): the length, and the
// size of the picture in each of the three forms of the first chunk.
func checkWebP(file []byte) error {
	if len(file) < 30 || string(file[8:12]) != "WEBP" {
		return errLogoFormat
	}
	if int64(binary.LittleEndian.Uint32(file[4:]))+8 > int64(len(file)) {
		return errors.New("the picture is broken: the file is cut off")
	}
	switch string(file[12:16]) {
	case "VP8 ":
		return checkSide(int(binary.LittleEndian.Uint16(file[26:])&0x3fff), int(binary.LittleEndian.Uint16(file[28:])&0x3fff))
	case "VP8L":
		bits := binary.LittleEndian.Uint32(file[21:])
		return checkSide(int(bits&0x3fff)+1, int(bits>>14&0x3fff)+1)
	case "VP8X":
		uint24 := func(b []byte) int { return int(b[0]) | int(b[1])<<8 | int(b[2])<<16 }
		return checkSide(uint24(file[24:])+1, uint24(file[27:])+1)
	}
	return errLogoFormat
}

// logoSVG returns the <svg> element of a file that browsers show as a picture.
func logoSVG(file []byte) ([]byte, error) {
	svg, err := parseSVG(file)
	if err != nil {
		return nil, err
	}
	if len(svg) == 0 {
		return nil, errLogoEmpty
	}
	var root struct{ XMLName xml.Name }
	if err := xml.Unmarshal(svg, &root); err != nil {
		return nil, fmt.Errorf("the SVG cannot be read: %w", err)
	}
	if root.XMLName.Space != svgNamespace {
		return nil, errLogoSpace
	}
	return svg, nil
}
