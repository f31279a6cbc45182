package wechattest

import (
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"time"
)

// Limits of a Server.
const (
	maxAccounts = 100
	maxPersons  = 1000
	maxName     = 64  // bytes of an account's name and of a person's ID
	maxNickname = 256 // bytes
	maxURL      = 2048
	maxRecords  = 100_000 // codes, tokens, issued strings: the newest of each are kept
	maxCalls    = 10_000
)

// Errors of a configuration.
var (
	ErrBadAccount  = errors.New("wechattest: account is not valid")
	ErrBadPerson   = errors.New("wechattest: person is not valid")
	ErrExists      = errors.New("wechattest: already there")
	ErrUnknown     = errors.New("wechattest: no such person or account")
	ErrFull        = errors.New("wechattest: too many persons or accounts")
	ErrBadQuirk    = errors.New("wechattest: quirk can never fire")
	ErrNotLoopback = errors.New("wechattest: not a loopback address")
)

// Config configures a Server. The zero value is usable: it has no person and no
// account, and allows nothing.
type Config struct {
	Accounts []Account // app ids differ
	Persons  []Person  // IDs differ; the first one holds the phone

	// AnyUserAgent also serves browsers that are not WeChat's.
	AnyUserAgent bool
	// AllowReplayHosts lets Quirks.ReplayWithoutCookies fetch callbacks from
	// hosts that are not loopback.
	AllowReplayHosts bool
	// ReplayRootCAs verifies the TLS of replayed callbacks and of pushes; nil
	// is the system's.
	ReplayRootCAs *x509.CertPool
	// PushWait is how long a push waits for an answer, and the time between the
	// starts of two attempts; 0 is WeChat's 5 s, ≤ 1 min.
	PushWait time.Duration
	// ControlHosts are hosts, without port, that may show the control page in
	// addition to loopback hosts. "*" allows every IP address, but no name.
	ControlHosts []string
	// Log gets a line for every request, without secrets; nil: no log. The
	// Server writes one line at a time.
	Log io.Writer
}

// Validate returns the error for which New would panic: ErrBadAccount,
// ErrBadPerson, ErrBadPush, ErrExists or ErrFull.
func (c Config) Validate() error {
	if c.PushWait < 0 || c.PushWait > maxPushWait {
		return fmt.Errorf("%w: PushWait %s", ErrBadPush, c.PushWait)
	}
	_, err := build(c)
	return err
}

// Account is one WeChat app id.
type Account struct {
	Kind   Kind   // the zero value is an official account
	AppID  string // "wx" and 16 hex digits in WeChat; here 1 to 64 of [0-9A-Za-z_-]
	Secret string // 1 to 256 bytes
	Name   string // shown on the consent page, ≤ 64 bytes

	// CallbackDomains are the hosts that may be called back (网页授权域名), as
	// "host", which covers the ports 80 and 443, or as "host:port". Hosts match
	// exactly: www.qq.com covers neither pay.qq.com nor qq.com. "*" is any;
	// none refuses every callback with 10003.
	CallbackDomains []string

	Platform      string // the Open Platform account it is bound to; same platform, same unionid; "" for none
	NoUserInfo    bool   // may not ask for snsapi_userinfo: 10005
	FollowersOnly bool   // a test account (测试号): only followers may sign in, 10006
	Banned        bool   // 10004

	Push PushSettings // where messages and events are sent; the zero value sends none
}

// Person is one person with WeChat on a phone.
type Person struct {
	ID        string   // stable and secret, such as "alice"; 1 to 64 bytes
	Nickname  string   // ≤ 256 bytes
	AvatarURL string   // ≤ 2048 bytes; "" for none; "/…" is served by the simulator itself
	Follows   []string // app ids; followers consent silently (wechat-protocol A5)

	// InSnapshot shows this person every snsapi_userinfo page as a 快照页 until
	// 使用完整服务 is tapped (LeaveSnapshot).
	InSnapshot bool

	Phone    string // "13800138000", or "+852 51234567"; ≤ 32 bytes; "" is one made from the ID
	HighRisk bool   // mini programs get 40226 instead of the identity
	Closed   bool   // the WeChat account is closed: no sign-in is possible with it
}

func (a Account) check() error {
	switch {
	case a.AppID == "" || len(a.AppID) > maxName || !only(a.AppID, isIDByte):
		return fmt.Errorf("%w: app id %q", ErrBadAccount, a.AppID)
	case a.Secret == "" || len(a.Secret) > 256:
		return fmt.Errorf("%w: %s needs a secret of 1 to 256 bytes", ErrBadAccount, a.AppID)
	case len(a.Name) > maxName || len(a.Platform) > maxName || len(a.CallbackDomains) > maxAccounts:
		return fmt.Errorf("%w: %s has a name, a platform or a list of domains that is too long", ErrBadAccount, a.AppID)
	case !a.Kind.known():
		return fmt.Errorf("%w: %s is of kind %.20q", ErrBadAccount, a.AppID, a.Kind)
	}
	return a.Push.check()
}

func (p Person) check() error {
	switch {
	case p.ID == "" || len(p.ID) > maxName:
		return fmt.Errorf("%w: ID %q is not 1 to %d bytes", ErrBadPerson, p.ID, maxName)
	case len(p.Nickname) > maxNickname || len(p.AvatarURL) > maxURL || len(p.Follows) > maxAccounts:
		return fmt.Errorf("%w: %q has a nickname, an avatar or a list of accounts that is too long", ErrBadPerson, p.ID)
	case len(p.Phone) > 32:
		return fmt.Errorf("%w: %q has a phone number that is too long", ErrBadPerson, p.ID)
	}
	return nil
}

func isIDByte(c byte) bool { return isAlnum(c) || c == '_' || c == '-' }

func isAlnum(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

func only(s string, ok func(byte) bool) bool {
	for i := range len(s) {
		if !ok(s[i]) {
			return false
		}
	}
	return true
}
