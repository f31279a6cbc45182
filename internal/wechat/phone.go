package wechat

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"time"
)

// errNoPhone reports an invalid phone number. It does not quote it.
var errNoPhone = errors.New("the answer has no valid phone number")

// phoneNumber is the call behind the button getPhoneNumber (wechat-protocol
// D2.5). It asks for one visitor's number: 40003 means that the code belongs to
// another visitor.
var phoneNumber = endpoint{
	op: "phone", path: "/wxa/business/getuserphonenumber", single: true, patient: true,
	kinds: map[int]Remedy{40003: RemedyForeignCode, 40014: RemedyRenew, 42001: RemedyRenew},
}

// Phone is a visitor's phone number.
type Phone struct {
	CountryCode string // 1 to 4 digits, without +
	Number      string // purePhoneNumber, without the country code: 4 to 15 digits
}

// Phone spends the code of the button getPhoneNumber and returns the visitor's
// number. The code is not the one of wx.login; it is valid for five minutes.
// access is the token of the mini program appID. openID, if not empty, is the
// visitor that WeChat must have made the code for; ErrForeignCode means that it
// belongs to another visitor. The request is repeated only if WeChat says that
// it is busy. ErrRenew means that access is invalid; the code is not spent
// then.
func (c *Client) Phone(ctx context.Context, access Secret, appID, code, openID string) (Phone, error) {
	switch {
	case code == "":
		return Phone{}, phoneNumber.fail(RemedyStartPage, "there is no code")
	case !sendable(code, maxCode):
		return Phone{}, phoneNumber.fail(RemedyRestart, "this is not a code")
	}
	if err := phoneNumber.checkAccount(access, openID); err != nil {
		return Phone{}, err
	}
	message := struct {
		Code   string `json:"code"`
		OpenID string `json:"openid,omitempty"`
	}{code, openID}
	r, err := c.post(WithAppID(ctx, appID), phoneNumber, []param{{"access_token", access.Reveal()}}, message,
		access, NewSecret(code), NewSecret(openID))
	if err != nil {
		return Phone{}, err
	}
	return parsePhoneAnswer(r, appID)
}

// parsePhoneAnswer reads a successful answer of the phone call.
func parsePhoneAnswer(r reply, appID string) (Phone, error) {
	var info reply
	if raw, ok := r["phone_info"]; !ok || json.Unmarshal(raw, &info) != nil {
		return Phone{}, phoneNumber.malformed(errNoPhone)
	}
	if mark, ok := parseWatermark(info); ok && mark.appID != appID {
		return Phone{}, phoneNumber.fail(RemedyAlert, "the phone number was given to another mini program")
	}
	phone, err := parsePhone(info)
	if err != nil {
		return Phone{}, phoneNumber.malformed(err)
	}
	return phone, nil
}

// Phone opens the envelope of an old client (getPhoneNumber before base library
// 2.21.2). Its errors are those of an Envelope. Prefer Client.Phone.
func (e Envelope) Phone(now time.Time) (Phone, error) {
	r, err := e.open(now)
	if err != nil {
		return Phone{}, err
	}
	phone, err := parsePhone(r)
	if err != nil {
		return Phone{}, errDecrypt
	}
	return phone, nil
}

// parsePhone reads phone_info. WeChat writes the country code as a string or as
// a number. Only digits pass, because the number is sent in a header.
func parsePhone(info reply) (Phone, error) {
	number, ok := info.text("purePhoneNumber")
	country, okCountry := info.text("countryCode")
	country = strings.TrimPrefix(country, "+")
	if !ok || !okCountry || !digits(number, 4, 15) || !digits(country, 1, 4) {
		return Phone{}, errNoPhone
	}
	return Phone{CountryCode: country, Number: number}, nil
}

// digits reports whether text has least to most characters, all of them 0-9.
func digits(text string, least, most int) bool {
	return len(text) >= least && len(text) <= most && strings.Trim(text, "0123456789") == ""
}
