package push

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"
	"time"

	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/internal/wechat"
)

const (
	// replayWindow is how far the signed timestamp may be from our clock.
	replayWindow = 10 * time.Minute
	// skew is by how much our clock may be ahead of WeChat's. A session made in
	// the meantime must not outlive the event; that another one must sign in
	// once more does no harm.
	skew = time.Minute
	// defaultLifetime is how long a session could live, if nobody says.
	defaultLifetime = 30 * 24 * time.Hour
)

// event is a push that we act on.
type event struct {
	account    *Account
	name       string
	withdrawal ledger.Withdrawal
	unionID    string // whose it is, where WeChat left the openid out; else ""
	refetch    bool
}

// nobody reports whether a push of ours names nobody at all. WeChat is known to
// leave the openid out of events about accounts; the unionid will do.
func nobody(m *wechat.PushMessage) bool { return m.Person() == "" && unionID(m) == "" }

func unionID(m *wechat.PushMessage) string {
	if m.Person() != "" || !m.AboutAccount() {
		return ""
	}
	return m.UnionID
}

// ours reports whether the account acts on such a push.
func (a *Account) ours(m *wechat.PushMessage) bool {
	return m.AboutAccount() || a.ForgetOnUnsubscribe && m.Is(wechat.PushUnsubscribe)
}

// relays reports whether the account's relay gets such a push.
func (a *Account) relays(m *wechat.PushMessage) bool {
	return a.Relay != nil && (a.RelayAll || !m.AboutAccount())
}

// event translates a push of ours. signed is the timestamp of its signature.
func (h *Handler) event(a *Account, m *wechat.PushMessage, signed, now time.Time) event {
	e := event{account: a, name: m.Event, unionID: unionID(m), withdrawal: ledger.Withdrawal{
		Key: stepKey(a, m, signed), AppID: a.Keys.AppID, OpenID: m.Person(), End: true,
		At: eventTime(m.CreateTime, now), Until: now.Add(h.lifetime()),
	}}
	w := &e.withdrawal
	switch m.Event {
	case wechat.PushRevoke:
		r := a.Kind.Revoked(m.RevokeInfo)
		w.Kind, w.Consent, w.Reason = ledger.Revoked, true, wechat.RevokeCodes(m.RevokeInfo)
		w.Profile, w.Phone, w.Grant = r.Profile, r.Phone, r.Grant
	case wechat.PushCancel:
		w.Kind, w.Account, w.Consent, w.Profile, w.Phone, w.Grant = ledger.Cancelled, true, true, true, true, true
	case wechat.PushModified:
		// WeChat cleaned the profile because something in it is not fit to
		// be shown: it goes at once, whatever comes of fetching it anew.
		e.refetch = h.Refetch != nil
		w.Kind, w.Profile, w.Consent = ledger.ProfileChanged, true, !e.refetch
	case wechat.PushUnsubscribe:
		w.Kind, w.Consent, w.Profile, w.Grant, w.Reason = ledger.Revoked, true, true, true, m.Event
	}
	return e
}

// eventTime is when the sessions that end were created at the latest. A clock that
// is ahead must not end sessions that are yet to come; no time at all is now. An
// event that comes late, even by days, is as true as any: how old a push may be
// is decided by its signed timestamp.
func eventTime(created, now time.Time) time.Time {
	if created.IsZero() || now.Sub(created) < skew {
		return now
	}
	return created
}

// stepKey names a push for those that repeat it, by openid, time and event: the
// sender of events about accounts is one pseudo user, so that two persons who
// withdraw within one second would be one. It is a hash, since it is kept.
func stepKey(a *Account, m *wechat.PushMessage, signed time.Time) string {
	at := m.CreateTime
	if at.IsZero() {
		at = signed
	}
	sum := sha256.Sum256([]byte(strings.Join([]string{
		"push", a.Name, a.Keys.AppID, m.Event, m.Person() + unionID(m), strconv.FormatInt(at.Unix(), 10), wechat.RevokeCodes(m.RevokeInfo), m.MsgID,
	}, "\x00")))
	return hex.EncodeToString(sum[:16])
}
