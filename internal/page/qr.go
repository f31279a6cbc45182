package page

import (
	"html/template"
	"strconv"
	"strings"

	"rsc.io/qr"
)

const (
	// maxQR bounds a text, in bytes. A longer text makes a more expensive code,
	// and visitors choose their addresses (attack: one unauthenticated GET
	// costs 97 KB and 3 ms).
	maxQR     = 512
	sturdyQR  = 300 // texts up to this many bytes get a higher level of error correction
	quietZone = 4   // light modules around the code (ISO/IEC 18004)
)

// drawQR returns text as a QR code: an SVG with the dark modules in one path on
// a white background. It returns "" for an empty or too long text.
func drawQR(text string) template.HTML {
	if text == "" || len(text) > maxQR {
		return ""
	}
	level := qr.M
	if len(text) > sturdyQR {
		level = qr.L
	}
	code, err := qr.Encode(text, level)
	if err != nil {
		return ""
	}
	side := strconv.Itoa(code.Size + 2*quietZone)
	var b strings.Builder
	b.Grow(16 * code.Size * code.Size / 4)
	b.WriteString(`<svg viewBox="0 0 ` + side + ` ` + side + `" shape-rendering="crispEdges" aria-hidden="true">`)
	b.WriteString(`<path fill="#fff" d="M0 0h` + side + `v` + side + `H0z"/><path fill="#000" d="`)
	for y := range code.Size {
		drawRow(&b, code, y)
	}
	b.WriteString(`"/></svg>`)
	return template.HTML(b.String()) //nolint:gosec // numbers only
}

// drawRow adds the dark modules of row y to the path, one rectangle for each
// run.
func drawRow(b *strings.Builder, code *qr.Code, y int) {
	for x := 0; x < code.Size; x++ {
		if !code.Black(x, y) {
			continue
		}
		start := x
		for x < code.Size && code.Black(x, y) {
			x++
		}
		run := strconv.Itoa(x - start)
		b.WriteByte('M')
		b.WriteString(strconv.Itoa(start + quietZone))
		b.WriteByte(' ')
		b.WriteString(strconv.Itoa(y + quietZone))
		b.WriteString("h" + run + "v1h-" + run + "z")
	}
}
