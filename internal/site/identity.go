package site

import (
	"net/http"
	"time"

	"github.com/caddy-wechat/gateway/internal/assertion"
	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/internal/wechat"
	"github.com/caddy-wechat/gateway/session"
)

// Field names one fact about a visitor that the upstream gets.
type Field string

// The fields, in the order in which they are sent.
const (
	FieldUser     Field = "user"
	FieldOpenID   Field = "openid"
	FieldUnionID  Field = "unionid"
	FieldAppID    Field = "app_id"
	FieldAccount  Field = "account"
	FieldScope    Field = "scope"
	FieldNickname Field = "nickname"
	FieldAvatar   Field = "avatar"
	FieldPhone    Field = "phone"
	FieldSnapshot Field = "snapshot"
)

// HeaderOff as a header's name means that the field is not sent.
const HeaderOff = "off"

// HeaderOn as a header's name means the standard name. The phone number is not
// sent without it.
const HeaderOn = "on"

// Fields lists every field with the header that carries it by default.
var Fields = []struct {
	Field  Field
	Header string
}{
	{FieldUser, "X-Wechat-User"},
	{FieldOpenID, "X-Wechat-Openid"},
	{FieldUnionID, "X-Wechat-Unionid"},
	{FieldAppID, "X-Wechat-App-Id"},
	{FieldAccount, "X-Wechat-Account"},
	{FieldScope, "X-Wechat-Scope"},
	{FieldNickname, "X-Wechat-Nickname"},
	{FieldAvatar, "X-Wechat-Avatar"},
	{FieldPhone, "X-Wechat-Phone"},
	{FieldSnapshot, "X-Wechat-Snapshot"},
}

// Identity describes the visitor of a request. It is prepared once for a
// session and shared between requests: read only.
type Identity struct {
	Session session.Session
	Person  ledger.Person
	Scope   wechat.Scope // the consent that the ledger has now; snsapi_userinfo for an account that has nothing more to ask for
	values  map[Field]string
	headers []header
	// assertion says the same in signed form; nil on sites without assertions.
	assertion *assertion.Statement
	Expires   time.Time
	staleAt   time.Time // when the profile should be fetched again; zero for never
	refused   Refusal   // as far as ids tell, see listed
}

type header struct{ name, value string }

// Get returns a field's value as the person gave it (nickname and avatar not
// encoded), "" when it is not known.
func (id *Identity) Get(f Field) string { return id.values[f] }

// Guest reports a virtual visitor of a 快照页.
func (id *Identity) Guest() bool { return id.Session.Guest }

// ApplyIdentity sets the visitor's identity headers on h, exactly one value
// each, and the assertion that [Site.Assert] has signed. The caller has scrubbed
// h before.
func (r *Request) ApplyIdentity(h http.Header) {
	if r.Identity != nil {
		r.Identity.apply(h, r.assertion)
	}
}

// apply copies the values into fresh slices, because later handlers may change
// them in place and must not change those of the next request.
func (id *Identity) apply(h http.Header, signed *assertion.Token) {
	n := len(id.headers)
	if signed != nil {
		n++
	}
	values := make([]string, n)
	for i, hd := range id.headers {
		values[i] = hd.value
		h[hd.name] = values[i : i+1 : i+1]
	}
	if signed != nil {
		values[n-1] = signed.String()
		h[HeaderAssertion] = values[n-1:]
	}
}

// newIdentity prepares what the upstream gets about s and p.
func (site *Site) newIdentity(s *session.Session, p ledger.Person) *Identity {
	id := &Identity{Session: *s, Person: p, Scope: wechat.ScopeBase, Expires: site.Hub.Policy.Expires(s)}
	if s.Guest {
		// The identifiers of a snapshot are virtual: an app that saw them would
		// open accounts for people who do not exist.
		id.values = map[Field]string{
			FieldAppID: s.AppID, FieldAccount: site.Account.Name, FieldSnapshot: "1",
		}
	} else {
		id.refused = site.listed(&p)
		account, consented := site.AccountOf(s.AppID), p.Consented(s.AppID)
		if consented {
			id.Scope = wechat.ScopeUserInfo
		}
		shown := string(id.Scope)
		if account.Kind.SatisfiesEveryScope() {
			// This account has nothing more to ask for.
			id.Scope, shown = wechat.ScopeUserInfo, s.Scope
		}
		id.values = map[Field]string{
			FieldUser:    p.ID,
			FieldOpenID:  s.OpenID,
			FieldUnionID: p.UnionID,
			FieldAppID:   s.AppID,
			FieldAccount: account.Name,
			FieldScope:   shown,
			FieldPhone:   site.phoneOf(&p),
		}
		if consented {
			id.values[FieldNickname] = p.Nickname
			id.values[FieldAvatar] = p.AvatarURL
			if site.Hub.QueueProfileRefresh != nil && site.Hub.ProfileMaxAge > 0 {
				id.staleAt = p.ProfileAt.Add(site.Hub.ProfileMaxAge)
			}
		}
	}
	for _, f := range Fields {
		name, value := site.HeaderName(f.Field, f.Header), site.Rules.Encoding.headerValue(f.Field, id.values[f.Field])
		if name != "" && value != "" {
			id.headers = append(id.headers, header{name, value})
		}
	}
	return id
}

// HeaderName returns the header that carries f on this site, "" for none.
func (site *Site) HeaderName(f Field, standard string) string {
	switch name := site.Rules.Headers[f]; {
	case name == HeaderOn, name == "" && f != FieldPhone:
		return standard
	case name == "", name == HeaderOff:
		return ""
	default:
		return http.CanonicalHeaderKey(name)
	}
}

// HeaderNames lists every header that only the gateway may set on this site:
// the standard names, also of fields that are renamed or off, and the
// configured ones.
func (site *Site) HeaderNames() []string {
	var names []string
	for _, f := range Fields {
		names = append(names, f.Header)
		if name := site.HeaderName(f.Field, f.Header); name != "" && name != f.Header {
			names = append(names, name)
		}
	}
	return names
}
