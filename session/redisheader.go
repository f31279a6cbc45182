package session

import (
	"strconv"
	"strings"
	"time"
)

// header is the clear part of a record.
type header struct {
	flags, hint      byte
	scope            string
	line             ID // zero for the first session of a line
	created, renewed time.Time
	appID, site      string
}

// cutReplaced removes the sign of a replaced session from a record, and returns
// when the session ceases to be accepted; zero if it was not replaced.
func cutReplaced(record string) (rest string, leaves time.Time, err error) {
	rest, replaced := strings.CutPrefix(record, replacedSign)
	if !replaced {
		return record, time.Time{}, nil
	}
	if len(rest) < leavesDigits {
		return "", time.Time{}, ErrMalformed
	}
	ms, err := strconv.ParseInt(rest[:leavesDigits], 10, 64)
	if err != nil || ms <= 0 {
		return "", time.Time{}, ErrMalformed
	}
	return rest[leavesDigits:], time.UnixMilli(ms).UTC(), nil
}

// parseHeader reads the clear part of a record and returns its length.
func parseHeader(record string) (header, int, error) {
	if len(record) > maxRecord {
		return header{}, 0, ErrMalformed
	}
	d := decoder{rest: []byte(record)}
	version := d.byte()
	h := header{flags: d.byte(), hint: d.byte()}
	var known bool
	h.scope, known = scopeName(d.byte())
	if h.flags&recordLine != 0 {
		copy(h.line[:], d.bytes(len(h.line)))
		d.bad = d.bad || h.line == ID{}
	}
	created := d.second()
	renewed := d.second()
	h.created, h.renewed = time.Unix(created, 0).UTC(), time.Unix(created+renewed, 0).UTC()
	h.appID = d.packed(maxAppID)
	h.site = d.packed(maxSite)
	if h.flags&recordHTTPS != 0 {
		h.site = https + h.site
	}
	if d.bad || !goodRecord(version, h.flags) || !known || len(d.rest) < nonceSize {
		return header{}, 0, ErrMalformed
	}
	return h, len(record) - len(d.rest), nil
}

// goodRecord reports whether a record of this version can have these flags.
func goodRecord(version, flags byte) bool {
	switch version {
	case recordVersionOnce:
		return flags&^(recordKnown&^recordNew) == 0
	case recordVersion:
		return flags&^recordKnown == 0 && flags&recordNew != 0 && flags&(recordCookie|recordToken) != recordCookie|recordToken
	default:
		return false
	}
}

// audience returns the audience of the session.
func (h header) audience() Audience {
	switch {
	case h.flags&recordCookie != 0:
		return Cookie
	case h.flags&recordToken != 0:
		return Token
	default:
		return AnyAudience
	}
}
