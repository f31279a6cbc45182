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
	// skew is how far this machine's clock may be ahead of WeChat's. A session
	// made shortly before the event must not outlive it; ending one made
	// shortly after it does no harm, the visitor signs in again.
	skew = time.Minute
	// defaultLifetime is the longest life of a session if Handler.Lifetime is
	// 0.
	defaultLifetime = 30 * 24 * time.Hour
)

// event is a push that this package handles.
type event struct {
	account    *Account
	name       string
	withdrawal ledger.Withdrawal
	unionID    string // identifies the person if WeChat left the openid out; else ""
	refetch    bool
	following  *ledger.Following // of a subscribe or unsubscribe; the withdrawal may have no kind then
}

// withoutPerson reports whether a push contains neither openid nor unionid.
// WeChat sometimes leaves the openid out of events about accounts; the unionid
// is enough.
func withoutPerson(m *wechat.PushMessage) bool { return m.Person() == "" && unionID(m) == "" }

func unionID(m *wechat.PushMessage) string {
	if m.Person() != "" || !m.AboutAccount() {
		return ""
	}
	return m.UnionID
}

// ours reports whether this package handles such a push for the account.
func (a *Account) ours(m *wechat.PushMessage) bool {
	return m.AboutAccount() || a.aboutFollower(m) || a.ForgetOnUnsubscribe && m.Is(wechat.PushUnsubscribe)
}

// relays reports whether the account's relay gets such a push.
func (a *Account) relays(m *wechat.PushMessage) bool {
	return a.Relay != nil && (a.RelayAll || !m.AboutAccount())
}

// event translates a push into a withdrawal. signed is the timestamp of its
// signature.
func (h *Handler) event(a *Account, m *wechat.PushMessage, signed, now time.Time) event {
	e := event{account: a, name: m.Event, unionID: unionID(m), following: a.following(m, signed, now), withdrawal: ledger.Withdrawal{
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
		// WeChat removed unsuitable content from the profile: clear the stored
		// one at once, even if it cannot be fetched again.
		e.refetch = h.Refetch != nil
		w.Kind, w.Profile, w.Consent = ledger.ProfileChanged, true, !e.refetch
	case wechat.PushUnsubscribe:
		if !a.ForgetOnUnsubscribe {
			break
		}
		w.Kind, w.Consent, w.Profile, w.Grant, w.Reason = ledger.Revoked, true, true, true, m.Event
	}
	return e
}

// eventTime returns the time up to which sessions end. A time in the future
// must not end later sessions, so it becomes now; a missing time becomes now,
// too. A late event, even by days, is valid: the age of a push is checked by
// its signed timestamp.
func eventTime(created, now time.Time) time.Time {
	if created.IsZero() || now.Sub(created) < skew {
		return now
	}
	return created
}

// stepKey identifies a push and its repetitions by openid, time and event. The
// sender does not distinguish persons: in events about accounts it is one
// pseudo user, and two persons may withdraw within one second. The key is a
// hash because it is stored.
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
