package page

import (
	"errors"
	"fmt"
	"html/template"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Brand is an operator's name and look, for the pages of any theme. Empty
// fields change nothing.
type Brand struct {
	Name    string // of the operator; at most 40 characters
	Logo    []byte // a PNG, JPEG, WebP or SVG file of at most 64 KiB
	Color   string // of the main buttons, such as #07c160
	Privacy string // the http or https address of the privacy policy
	Contact string // a phone number, an e-mail address, or other text of at most 60 characters
}

const (
	maxName    = 40   // characters
	maxContact = 60   // characters
	maxPrivacy = 1024 // bytes
)

var (
	errPlainText = errors.New("it has a character that is not shown, or one of { }")
	errNotUTF8   = errors.New("it is not UTF-8 (GBK, perhaps); save the file as UTF-8")
	errPrivacy   = errors.New("it is not an address like https://shop.example.com/privacy")
)

// checkedBrand is a Brand that has been checked, as pages show it. Its zero
// value changes nothing.
type checkedBrand struct {
	name    string
	logo    template.HTML // an <img>
	style   string        // rules behind those of the theme
	privacy template.URL
	contact link
}

// link is a text with an address, "" for none.
type link struct {
	Text string
	Href template.URL
}

// Check reports the first field that pages cannot show. The error begins with
// the name of the field.
func (b Brand) Check() error {
	_, err := b.checked()
	return err
}

// WithBrand returns a theme with the operator's name and look. A nil t means
// the built-in theme.
func (t *Theme) WithBrand(b Brand) (*Theme, error) {
	id, err := b.checked()
	if err != nil {
		return nil, fmt.Errorf("brand: %w", err)
	}
	if t == nil {
		t = builtin()
	}
	branded, spare := t.with(id), builtin().with(id)
	branded.spare, spare.spare = spare, spare
	return branded, nil
}

// with returns a copy of t with a brand. The copy shares texts and pictures
// with t, which do not change any more.
func (t *Theme) with(id checkedBrand) *Theme {
	c := *t
	c.brand = id
	c.hashStyle(c.css + id.style)
	return &c
}

// checked checks b.
func (b Brand) checked() (id checkedBrand, err error) {
	id.name = strings.TrimSpace(b.Name)
	if err := plainText(id.name, maxName); err != nil {
		return id, fmt.Errorf("name: %w", err)
	}
	if id.logo, err = logoElement(b.Logo); err != nil {
		return id, fmt.Errorf("logo: %w", err)
	}
	if id.style, err = brandStyle(b.Color); err != nil {
		return id, fmt.Errorf("color: %w", err)
	}
	if id.privacy, err = privacyLink(b.Privacy); err != nil {
		return id, fmt.Errorf("privacy: %w", err)
	}
	if id.contact, err = contactLink(strings.TrimSpace(b.Contact)); err != nil {
		return id, fmt.Errorf("contact: %w", err)
	}
	return id, nil
}

// plainText reports why a text cannot be shown as it is. Braces are for the
// placeholders of texts.json; bidirectional marks could turn the words around
// it (attack: spoofing). Caddy's parser puts U+FFFD in place of bytes that are
// not UTF-8, so a Caddyfile in GBK arrives with these.
func plainText(s string, limit int) error {
	if strings.ContainsRune(s, utf8.RuneError) {
		return errNotUTF8
	}
	bad := func(r rune) bool {
		return !unicode.IsPrint(r) && r != '\u3000' || r == '{' || r == '}'
	}
	if strings.ContainsFunc(s, bad) {
		return errPlainText
	}
	if n := utf8.RuneCountInString(s); n > limit {
		return fmt.Errorf("it has %d characters, at most %d are shown", n, limit)
	}
	return nil
}

// privacyLink checks the address of the privacy policy.
func privacyLink(address string) (template.URL, error) {
	if address == "" {
		return "", nil
	}
	if len(address) > maxPrivacy || cleanAddress(address) == "" {
		return "", errPrivacy
	}
	if u, err := url.Parse(address); err != nil || u.Hostname() == "" {
		return "", errPrivacy
	}
	// Templates write these otherwise, too; complete compares.
	address = strings.NewReplacer("'", "%27", "(", "%28", ")", "%29").Replace(address)
	return template.URL(address), nil //nolint:gosec // http or https, without quotes and blanks; checked above
}
