package caddymodule

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddy-wechat/gateway/internal/site"
)

// wordFollowers is the one word of `allow` that is no id.
const wordFollowers = "followers"

// maxIDs bounds the ids of one `deny` or `allow`.
const maxIDs = 100_000

// idForm matches openids, unionids and ids of persons. WeChat's have 28
// characters, a person's 26. A shorter text is a word by mistake, such as
// `follower`.
var idForm = regexp.MustCompile(`^[A-Za-z0-9_-]{16,128}$`)

// checkID returns an error for a text that can be no id. It repeats only what
// is too short for one, because ids are personal data.
func checkID(id string) error {
	switch {
	case idForm.MatchString(id):
		return nil
	case len(id) < 16:
		return fmt.Errorf("%q is not an openid, a unionid or a person's id: an id has 16 to 128 letters, digits, - and _", id)
	}
	return errID
}

var errID = errors.New("a value is not an openid, a unionid or a person's id: an id has 16 to 128 letters, digits, - and _, and a blank stands between two")

// parseDeny reads a line of `deny`. Lines add up.
func (a *App) parseDeny(d *caddyfile.Dispenser) error {
	ids := d.RemainingArgs()
	if slices.Contains(ids, wordFollowers) {
		return d.Err("deny takes ids only; followers is a word of allow, in a site")
	}
	return parseIDs(d, "deny", ids, &a.Deny)
}

// parseAllow reads a line of `allow`. Lines add up.
func (h *Handler) parseAllow(d *caddyfile.Dispenser) error {
	all := d.RemainingArgs()
	ids := slices.DeleteFunc(slices.Clone(all), func(id string) bool { return id == wordFollowers })
	if len(ids) < len(all) {
		if h.AllowFollowers = true; len(ids) == 0 {
			return nil
		}
	}
	return parseIDs(d, "allow", ids, &h.Allow)
}

func parseIDs(d *caddyfile.Dispenser, word string, ids []string, into *[]string) error {
	if len(ids) == 0 {
		return d.Errf("%s needs an openid, a unionid or a person's id (if one is written there: is the variable set?)", word)
	}
	for _, id := range ids {
		if hasPlaceholder(id) {
			continue
		}
		if err := checkID(id); err != nil {
			return d.Errf("%s: %v", word, err)
		}
	}
	*into = append(*into, ids...)
	return nil
}

// maxIDFile is how much of a file Caddy reads for a placeholder, in bytes. It
// leaves out the rest, and says nothing.
const maxIDFile = 1 << 20

// filePlaceholder matches a placeholder that stands for a file's text.
var filePlaceholder = regexp.MustCompile(`\{file\.([^{}]+)\}`)

// readWhole returns an error if a value has a file that Caddy does not read to
// its end (attack: a long list is cut, and who stands at its end enters).
func readWhole(word, value string) error {
	for _, found := range filePlaceholder.FindAllStringSubmatch(value, -1) {
		if info, err := os.Stat(found[1]); err == nil && info.Size() > maxIDFile {
			return fmt.Errorf("%s%s: the file has %d bytes, and Caddy reads only the first %d: split it into several files, with a line of %[1]s for each", word, source(value), info.Size(), maxIDFile)
		}
	}
	return nil
}

// expandIDs returns the ids of `deny` or `allow`. A placeholder may stand for
// several, such as the lines of a file. One that stands for none is an error
// (attack: a variable that is not set lets everybody in, or names nobody).
func expandIDs(word string, values []string) (site.IDs, error) {
	var ids site.IDs
	for _, value := range values {
		if err := readWhole(word, value); err != nil {
			return nil, err
		}
		expanded, err := expand(word, value)
		if err != nil {
			return nil, err
		}
		found := strings.Fields(strings.TrimPrefix(expanded, byteOrderMark))
		if len(found) == 0 {
			return nil, fmt.Errorf("%s: a value%s is empty: write an openid, a unionid or a person's id", word, source(value))
		}
		for _, id := range found {
			if err := checkID(id); err != nil {
				if hasPlaceholder(value) {
					err = errID // it may be a secret, of a wrong name
				}
				return nil, fmt.Errorf("%s%s: %w", word, source(value), err)
			}
			if ids == nil {
				ids = site.IDs{}
			}
			ids[id] = struct{}{}
		}
	}
	if len(ids) > maxIDs {
		return nil, fmt.Errorf("%s: there are %d ids, and at most %d are possible; ban persons instead", word, len(ids), maxIDs)
	}
	return ids, nil
}

// provisionDeny prepares who enters no site.
func (a *App) provisionDeny() (err error) {
	a.deny, err = expandIDs("deny", a.Deny)
	return err
}

// provisionEntry prepares who may enter the site.
func (h *Handler) provisionEntry(rules *site.Rules) (err error) {
	if rules.Allow, err = expandIDs("allow", h.Allow); err != nil {
		return err
	}
	rules.AllowFollowers = h.AllowFollowers
	if (h.AllowFollowers || len(rules.Allow) > 0) && rules.OutsideWeChat == site.OutsidePass {
		return errors.New("allow contradicts outside_wechat pass: any client can claim to be outside WeChat, and would enter without being asked who it is")
	}
	if h.AllowFollowers {
		h.provisionFollowers()
	}
	return nil
}
