package caddymodule

import (
	"errors"
	"fmt"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddy-wechat/gateway/internal/page"
)

// Brand is the operator's name and look on the pages that visitors see. All
// fields are optional, and may be placeholders of the environment and of files.
type Brand struct {
	// The name of the operator, at most 40 characters. The consent page says
	// that this operator receives the visitor's data. Default: the site's host.
	Name string `json:"name,omitempty"`

	// A PNG, JPEG, WebP or SVG file of at most 64 KiB, and at most 2048 × 2048
	// pixels. It is read when the configuration is loaded. Default: none.
	Logo string `json:"logo,omitempty"`

	// The colour of the main buttons, such as `#07c160`. The text on them is
	// white or black, whichever is readable. Default: a dark green.
	Color string `json:"color,omitempty"`

	// The http or https address of the privacy policy. The consent page links
	// it. It must open without a sign-in. Default: none.
	Privacy string `json:"privacy,omitempty"`

	// How visitors reach the operator: a phone number, an e-mail address, or
	// other text of at most 60 characters. Default: none.
	Contact string `json:"contact,omitempty"`
}

// parseBrand returns the parser of a brand block:
//
//	brand {
//		name    <name>
//		logo    <file>
//		color   <colour>
//		privacy <address>
//		contact <phone number, e-mail address or text>
//	}
func parseBrand(into **Brand) func(*caddyfile.Dispenser) error {
	return func(d *caddyfile.Dispenser) error {
		if *into != nil {
			return d.Err("brand is given twice")
		}
		if d.NextArg() {
			return d.Errf("brand takes a block only, not '%s'", d.Val())
		}
		b := new(Brand)
		*into = b
		return (words{
			"name":    checked(&b.Name, func(value string) error { return cause(page.Brand{Name: value}.Check()) }),
			"logo":    text(&b.Logo),
			"color":   b.parseColor,
			"privacy": checked(&b.Privacy, func(value string) error { return cause(page.Brand{Privacy: value}.Check()) }),
			"contact": checked(&b.Contact, func(value string) error { return cause(page.Brand{Contact: value}.Check()) }),
		}).parse(d, "brand")
	}
}

// parseColor reads a colour. Without quotes, # begins a comment of the
// Caddyfile, and the value is not there.
func (b *Brand) parseColor(d *caddyfile.Dispenser) error {
	if b.Color == "" && d.CountRemainingArgs() == 0 {
		return d.Err(`color needs a value in quotes, such as "#07c160": without quotes, # begins a comment`)
	}
	return checked(&b.Color, func(value string) error { return cause(page.Brand{Color: value}.Check()) })(d)
}

// cause returns an error of page.Brand without the name of the field, which the
// Caddyfile's error has already.
func cause(err error) error {
	if inner := errors.Unwrap(err); inner != nil {
		return inner
	}
	return err
}

// load expands the fields and reads the logo.
func (b *Brand) load() (loaded page.Brand, err error) {
	if b == nil {
		return loaded, nil
	}
	for _, field := range []struct {
		name, value string
		into        *string
	}{
		{"name", b.Name, &loaded.Name},
		{"color", b.Color, &loaded.Color},
		{"privacy", b.Privacy, &loaded.Privacy},
		{"contact", b.Contact, &loaded.Contact},
	} {
		if *field.into, err = expand("brand: "+field.name, field.value); err != nil {
			return loaded, err
		}
	}
	file, err := expand("brand: logo", b.Logo)
	if err != nil || file == "" {
		return loaded, err
	}
	if loaded.Logo, err = readPicture(file, page.MaxLogo); err != nil {
		return loaded, fmt.Errorf("brand: logo: %w", err)
	}
	if err := (page.Brand{Logo: loaded.Logo}).Check(); err != nil {
		return loaded, fmt.Errorf("brand: logo: %s: %w", file, cause(err))
	}
	return loaded, nil
}
