package page

import (
	"errors"
	"html/template"
	"regexp"
	"strings"
)

var (
	phoneNumber = regexp.MustCompile(`^\+?[0-9][0-9 ()-]{3,24}[0-9]$`)
	// mailAddress has no ?, % and &, which could add a recipient or a text to
	// the message (attack: mailto:a@b.example?bcc=…).
	mailAddress = regexp.MustCompile(`^[A-Za-z0-9._+-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$`)

	errPhone = errors.New("tel: needs a phone number, such as tel:400-000-0000")
	errMail  = errors.New("mailto: needs an e-mail address, such as mailto:help@shop.example.com")
)

// contactLink returns how a visitor reaches the operator: a phone number and an
// e-mail address become links, any other text stays text.
func contactLink(contact string) (link, error) {
	if err := plainText(contact, maxContact); err != nil {
		return link{}, err
	}
	number, isPhone := cutScheme(contact, "tel:")
	address, isMail := cutScheme(contact, "mailto:")
	switch {
	case phoneNumber.MatchString(number):
		digits := strings.NewReplacer(" ", "", "(", "", ")", "").Replace(number)
		return link{number, template.URL("tel:" + digits)}, nil //nolint:gosec // digits, + and -
	case isPhone:
		return link{}, errPhone
	case mailAddress.MatchString(address):
		return link{address, template.URL("mailto:" + address)}, nil //nolint:gosec // matched above
	case isMail:
		return link{}, errMail
	}
	return link{Text: contact}, nil
}

// cutScheme removes a scheme, in any case, from the beginning of an address.
func cutScheme(address, scheme string) (rest string, found bool) {
	if len(address) < len(scheme) || !strings.EqualFold(address[:len(scheme)], scheme) {
		return address, false
	}
	return strings.TrimSpace(address[len(scheme):]), true
}
