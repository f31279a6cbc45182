package wechat

import (
	"slices"
	"strings"
)

// Revocation says which data of a person must be removed.
type Revocation struct {
	Profile bool // nickname and avatar
	Phone   bool // phone number
	Grant   bool // the token by which the profile can be fetched again
	// Unknown: a code is not in the table, so everything is removed.
	Unknown bool
}

var (
	revokeAll     = Revocation{Profile: true, Phone: true, Grant: true}
	revokeProfile = Revocation{Profile: true, Grant: true}
	revokePhone   = Revocation{Phone: true}
	revokeNothing = Revocation{} // addresses, invoices, …: data that the gateway never gets
)

// The meaning of RevokeInfo depends on the kind of account (wechat-protocol
// F6.1).
var (
	officialRevokeCodes = map[string]Revocation{
		"201": revokeNothing, // address
		"202": revokeNothing, // invoices
		"203": revokeNothing, // cards
		"204": revokeNothing, // microphone
		"205": revokeProfile, // nickname and avatar
		"206": revokeNothing, // location
		"207": revokeNothing, // chosen pictures or videos
	}
	openPlatformRevokeCodes = map[string]Revocation{"301": revokeAll}
	miniProgramRevokeCodes  = map[string]Revocation{
		"1":  revokeNothing, // number plate
		"2":  revokeNothing, // address
		"3":  revokeNothing, // invoices
		"4":  revokeNothing, // Bluetooth
		"5":  revokeNothing, // microphone
		"6":  revokeProfile, // nickname and avatar
		"7":  revokeNothing, // camera
		"8":  revokePhone,   // phone number
		"12": revokeNothing, // step counts
		"13": revokeNothing, // location
		"14": revokeNothing, // chosen pictures or videos
		"15": revokeNothing, // chosen files
		"16": revokeNothing, // mail address
		"18": revokeNothing, // chosen location
		"19": revokeProfile, // nickname chosen while typing
		"20": revokeProfile, // avatar chosen
	}
)

// maxRevokeCodes bounds the codes of one push; more codes count as unknown.
const maxRevokeCodes = 32

// maxRevokeCode bounds one code in RevokeCodes, in bytes; all codes fit into
// 256.
const maxRevokeCode = 7

// Revoked returns the data that RevokeInfo names. An unknown code and a missing
// code name everything: WeChat's own sample has a code that its table lacks.
func (k AccountKind) Revoked(revokeInfo string) Revocation {
	codes := splitCodes(revokeInfo)
	if len(codes) == 0 || len(codes) > maxRevokeCodes {
		return unknownRevocation()
	}
	meanings := k.traits().revokeCodes
	var sum Revocation
	for _, code := range codes {
		r, known := meanings[code]
		if !known {
			return unknownRevocation()
		}
		sum.Profile, sum.Phone, sum.Grant = sum.Profile || r.Profile, sum.Phone || r.Phone, sum.Grant || r.Grant
	}
	return sum
}

func unknownRevocation() Revocation {
	all := revokeAll
	all.Unknown = true
	return all
}

// RevokeCodes returns the codes of RevokeInfo in order, separated by commas.
// They contain only letters and digits, so they are safe in logs and other
// systems.
func RevokeCodes(revokeInfo string) string {
	codes := splitCodes(revokeInfo)
	codes = codes[:min(len(codes), maxRevokeCodes)]
	for i, code := range codes {
		if len(code) > maxRevokeCode || strings.ContainsFunc(code, notIDRune) {
			codes[i] = "unknown"
		}
	}
	slices.Sort(codes)
	return strings.Join(slices.Compact(codes), ",")
}

func splitCodes(revokeInfo string) []string {
	return strings.FieldsFunc(revokeInfo, func(r rune) bool {
		return r == ',' || r == ';' || r == '|' || r == ' ' || r == '，'
	})
}
