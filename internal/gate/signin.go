package gate

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/caddy-wechat/gateway/internal/audit"
	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/internal/outage"
	"github.com/caddy-wechat/gateway/internal/wechat"
	"github.com/caddy-wechat/gateway/session"
)

// spendTimeout bounds a whole sign-in behind the scenes.
const spendTimeout = 20 * time.Second

// spend turns a code into a session: WeChat says who it is, the ledger which
// person, and the store keeps the session.
func (g *Gate) spend(ctx context.Context, f Flow, h hit, b session.Binding, who visitor) (outcome, error) {
	ctx, cancel := context.WithTimeout(ctx, spendTimeout)
	defer cancel()
	key := h.sightKey(b)
	sighting, err := g.sight(ctx, key, func() (ledger.Sighting, error) { return g.seeVisitor(ctx, b.AppID, h.code) })
	if errors.Is(err, errVirtual) {
		return g.enterSnapshot(ctx, b)
	}
	if err != nil {
		return outcome{}, err
	}
	in, err := g.enrol(ctx, b, key, sighting, who, func(p ledger.Person) string {
		if p.Consented(b.AppID) {
			return string(wechat.ScopeUserInfo)
		}
		return string(wechat.ScopeBase)
	})
	if err != nil {
		return outcome{}, err
	}
	s, scope, user := in.session, in.session.Scope, in.person.ID
	g.Logger.Info("signed in", slog.String("user", audit.ShortID(user)), slog.String("session", s.ID.Short()),
		slog.String("account", g.Account.Name), slog.String("scope", scope), slog.String("flow", audit.ShortID(f.ID)))
	audit.Write(g.Audit, audit.Record{
		Action: who.action(s.Person, f.Scope), Account: g.Account.Name, User: user, Session: s.ID,
		Client: who.client, Scope: scope, Flow: f.ID, Site: b.Site,
	})
	return outcome{session: s, value: in.value}, nil
}

// errVirtual says that a code was a virtual visitor's (快照页).
var errVirtual = errors.New("gate: a virtual visitor")

// seeVisitor spends a code of the official account.
func (g *Gate) seeVisitor(ctx context.Context, appID, code string) (ledger.Sighting, error) {
	token, err := g.Hub.WeChat.Exchange(ctx, g.Account.Credentials, code)
	g.log().Answered(g.Account.Name, err, "exchange")
	switch {
	case err != nil:
		return ledger.Sighting{}, err
	case token.Snapshot:
		return ledger.Sighting{}, errVirtual
	}
	sighting := ledger.Sighting{
		AppID: appID, OpenID: token.OpenID, UnionID: token.UnionID,
		SignedIn: true, Scope: string(cmp.Or(token.Scope, wechat.ScopeBase)),
	}
	if token.Scope == wechat.ScopeUserInfo {
		if err := g.addProfile(ctx, g.Account, token, &sighting); err != nil {
			return ledger.Sighting{}, err
		}
	}
	g.addUnionID(ctx, token, &sighting)
	return sighting, nil
}

// visitor is what must be known of a request after it is over.
type visitor struct {
	client  string
	before  *session.Session // the browser's session until now, nil if it has none
	browser string           // the same for all sign-ins of one browser at a time; "" for clients
}

func visitorOf(r *Request) visitor {
	who := visitor{client: audit.Client(r.UserAgent()), browser: r.browser()}
	if r.id != nil {
		s := r.id.session // a copy: the identity is shared
		who.before = &s
	}
	return who
}

// action says what a sign-in was: a second step if the same person was here.
func (v visitor) action(person string, asked wechat.Scope) audit.Action {
	if v.before != nil && v.before.Person == person && asked == wechat.ScopeUserInfo {
		return audit.ActionStepUp
	}
	return audit.ActionSignIn
}

// maxDatedAhead bounds by how much a session is dated ahead: an end of its person
// in the second of its sign-in, as told by a clock that is a second ahead.
const maxDatedAhead = 2 * time.Second

// keepNew saves a session that was just made. Sessions count whole seconds, and
// the second in which all sessions of a person were ended counts as before: one
// made in it, but after it, is dated one second later, or the person would sign in
// and be nobody, round and round, until the second is over. The ledger and the
// store may have been told in two seconds of their own.
//
// An end that lies further ahead counts as now: the clock that told it is wrong.
//
// The browser's session of before is replaced, if it is the same person's; then
// both are of one line. Another's is ended first.
func (g *Gate) keepNew(ctx context.Context, s *session.Session, person ledger.Person, who visitor) (value string, err error) {
	bound := s.Line != session.ID{} // to what led to it, with which it ends
	joinLine(s, person, who)
	if err := g.leave(ctx, s, who.before); err != nil {
		return "", err
	}
	now := time.Now().UTC().Truncate(time.Second)
	if h := g.Hub; h.PersonEnded != nil {
		if at := h.PersonEnded(s.Person); s.EndedBy(at) {
			s.Created = now.Add(time.Second)
			if after := at.Truncate(time.Second).Add(time.Second); !after.After(now.Add(maxDatedAhead)) {
				s.Created = after
			}
			s.Renewed = s.Created
		}
	}
	for {
		value, err = g.saveInLine(ctx, s, bound)
		later := s.Created.Add(time.Second)
		if !errors.Is(err, session.ErrEnded) || errors.Is(err, session.ErrLineEnded) || later.After(now.Add(maxDatedAhead)) {
			break
		}
		s.Created, s.Renewed = later, later
	}
	if err != nil {
		return "", outage.During(outage.CallSave, err)
	}
	g.log().Worked(outage.Save)
	g.replace(ctx, s, who.before)
	return value, nil
}

// keepAsDated is keepNew for a session that was made from another one, and is as old:
// what ended that one's person ends it too.
func (g *Gate) keepAsDated(ctx context.Context, s *session.Session, person ledger.Person, who visitor) (value string, err error) {
	joinLine(s, person, who)
	if err := g.leave(ctx, s, who.before); err != nil {
		return "", err
	}
	if value, err = g.saveInLine(ctx, s, false); err != nil {
		return "", outage.During(outage.CallSave, err)
	}
	g.log().Worked(outage.Save)
	g.replace(ctx, s, who.before)
	return value, nil
}

// saveInLine saves a new session in its line, or as the first of another one: what a
// browser signs in after the end of a line does not end with it. One that is bound to
// what led to it does (attack: a ticket that races the logout of its token).
func (g *Gate) saveInLine(ctx context.Context, s *session.Session, bound bool) (string, error) {
	value, err := g.Hub.Store.Save(ctx, s)
	if errors.Is(err, session.ErrLineEnded) && !bound {
		s.Line = session.ID{}
		value, err = g.Hub.Store.Save(ctx, s)
	}
	return value, err
}

// addProfile fetches what the person consented to show.
func (g *Gate) addProfile(ctx context.Context, a wechat.Account, token wechat.Token, sighting *ledger.Sighting) error {
	info, err := g.Hub.WeChat.UserInfo(ctx, token.AccessToken, token.OpenID)
	g.log().Answered(a.Name, err, "userinfo")
	if err != nil {
		return err
	}
	if sighting.UnionID == "" {
		sighting.UnionID = info.UnionID
	}
	sighting.Consent = true
	sighting.Profile = &ledger.Profile{Nickname: info.Nickname, AvatarURL: info.AvatarURL}
	if g.Hub.KeepGrants != nil {
		sighting.Grant = g.Hub.KeepGrants(token)
	}
	return nil
}

// enterSnapshot ends a dance of a virtual visitor: never in the ledger, and a
// short session as a guest only where the site allows it.
func (g *Gate) enterSnapshot(ctx context.Context, b session.Binding) (outcome, error) {
	if !g.Rules.SnapshotGuest {
		return outcome{snapshot: true}, nil
	}
	s := session.New(b, "", "", string(wechat.ScopeBase))
	s.Guest = true
	value, err := g.Hub.Store.Save(ctx, s)
	if err != nil {
		return outcome{}, fmt.Errorf("gate: save guest: %w", outage.During(outage.CallSave, err))
	}
	g.log().Worked(outage.Save)
	return outcome{session: s, value: value, snapshot: true}, nil
}

// cookieAge is how long the browser keeps the session's cookie; 0 for guests,
// whose cookie goes with the browser window.
func cookieAge(p session.Policy, s *session.Session) time.Duration {
	if s.Guest {
		return 0
	}
	return time.Until(p.Expires(s))
}
