package page

import (
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"regexp"
	"strings"
)

var (
	hexColor = regexp.MustCompile(`^#?([0-9a-fA-F]{3}|[0-9a-fA-F]{6})$`)
	errColor = errors.New(`it is not a colour like "#07c160" or "#0c6"`)
)

// Contrasts of WCAG 2: minTextContrast is what level AA asks of a text; a
// button of less than minButtonContrast cannot be told from the card behind it.
const (
	minTextContrast   = 4.5
	minButtonContrast = 1.5
)

// rgb is a colour.
type rgb [3]byte

var (
	white       = rgb{255, 255, 255}
	black       = rgb{}
	backgrounds = []rgb{white, {0x17, 0x19, 0x1b}} // by day and by night, see style.css
)

// brandStyle returns the rules that give the main buttons a colour, "" for
// none. Their text is white where that is readable, else black: one of both has
// a contrast of 4.5:1 or more with every colour. A pressed button has more
// contrast, not less. The rules name properties, not only variables: a
// stylesheet of the operator may have no variables.
func brandStyle(color string) (string, error) {
	if color == "" {
		return "", nil
	}
	c, err := parseColor(color)
	if err != nil {
		return "", err
	}
	text, pressed := white, c.towards(black)
	if contrast(c, white) < minTextContrast {
		text, pressed = black, c.towards(white)
	}
	edge := ""
	for _, card := range backgrounds {
		if contrast(c, card) < minButtonContrast {
			edge = ";box-shadow:inset 0 0 0 1px #808080"
		}
	}
	return fmt.Sprintf("\n:root{--accent:%[1]s;--pressed:%[2]s}\n"+
		".primary{background:%[1]s;color:%[3]s%[4]s}\n.primary:active{background:%[2]s}\n"+
		"@media (prefers-contrast:more){.primary,.primary:active{background:#000;color:#fff;box-shadow:inset 0 0 0 2px #fff}}\n",
		c, pressed, text, edge), nil
}

// parseColor reads #rgb and #rrggbb. The # may be left out: in a Caddyfile it
// begins a comment.
func parseColor(s string) (c rgb, err error) {
	m := hexColor.FindStringSubmatch(s)
	if m == nil {
		return c, errColor
	}
	digits := m[1]
	if len(digits) == 3 {
		digits = strings.Join([]string{digits[:1], digits[:1], digits[1:2], digits[1:2], digits[2:], digits[2:]}, "")
	}
	_, err = hex.Decode(c[:], []byte(digits))
	return c, err
}

func (c rgb) String() string { return "#" + hex.EncodeToString(c[:]) }

// towards returns c with a sixth of another colour in it.
func (c rgb) towards(other rgb) rgb {
	for i := range c {
		c[i] = byte((int(c[i])*5 + int(other[i])) / 6)
	}
	return c
}

// luminance returns the relative luminance of c (WCAG 2.2).
func (c rgb) luminance() (sum float64) {
	for i, weight := range []float64{.2126, .7152, .0722} {
		v := float64(c[i]) / 255
		if v <= .04045 {
			v /= 12.92
		} else {
			v = math.Pow((v+.055)/1.055, 2.4)
		}
		sum += weight * v
	}
	return sum
}

// contrast returns the contrast ratio of two colours, 1 to 21 (WCAG 2.2).
func contrast(a, b rgb) float64 {
	light, dark := a.luminance(), b.luminance()
	if light < dark {
		light, dark = dark, light
	}
	return (light + .05) / (dark + .05)
}
