package wechat

import (
	"crypto/rand"
	"crypto/sha1" //nolint:gosec // WeChat signs with SHA-1
	"encoding/hex"
	"errors"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// maxPage bounds the address of a page to sign, in bytes.
const maxPage = 2048

// ErrPage reports text that is not the address of a page: an absolute http or
// https URL of at most 2048 bytes without spaces or control characters.
var ErrPage = errors.New("this is not the address of a page")

// JSSDK is the signed part of the arguments of wx.config (wechat-protocol E5).
type JSSDK struct {
	AppID     string
	Timestamp int64 // seconds since 1970
	NonceStr  string
	Signature string // 40 hex digits
}

// SignJSSDK signs a page of an account with its ticket, so that the page may
// use the JS-SDK. page is the address as the page sees it, with the query that
// WeChat added; a fragment is cut off. The caller must check that the page
// belongs to the account's owner, because a signed page acts in the account's
// name. Errors: ErrPage.
func SignJSSDK(appID string, ticket Secret, page string, now time.Time) (JSSDK, error) {
	return signJSSDK(appID, ticket, page, now, rand.Text())
}

// signJSSDK is SignJSSDK with a nonce.
func signJSSDK(appID string, ticket Secret, page string, now time.Time, nonce string) (JSSDK, error) {
	page, _, _ = strings.Cut(page, "#")
	if len(page) > maxPage || strings.ContainsFunc(page, notPageRune) {
		return JSSDK{}, ErrPage
	}
	u, err := url.Parse(page)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" {
		return JSSDK{}, ErrPage
	}
	s := JSSDK{AppID: appID, Timestamp: now.Unix(), NonceStr: nonce}
	// Sorted by name, not encoded. The address is last, so that an & in it
	// cannot change the other values.
	sum := sha1.Sum([]byte("jsapi_ticket=" + ticket.Reveal() + "&noncestr=" + nonce + //nolint:gosec // WeChat signs with SHA-1
		"&timestamp=" + strconv.FormatInt(s.Timestamp, 10) + "&url=" + page))
	s.Signature = hex.EncodeToString(sum[:])
	return s, nil
}

// notPageRune reports whether r cannot be part of a page's address, which a
// browser has encoded.
func notPageRune(r rune) bool { return r <= ' ' || r >= 0x7f }
