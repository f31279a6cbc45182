package site

import (
	"cmp"
	"fmt"
	"time"

	"github.com/caddy-wechat/gateway/internal/assertion"
	"github.com/caddy-wechat/gateway/internal/outage"
)

// HeaderAssertion carries the visitor's identity as a signed token, on sites
// that have it on.
const HeaderAssertion = "X-Wechat-Assertion"

// Assert signs the visitor's assertion, which [Request.ApplyIdentity] sends. It
// does nothing without a visitor, or on a site without assertions. If it fails,
// the request must not reach the upstream: an app that relies on assertions
// must not see the plain headers alone.
func (site *Site) Assert(r *Request) error {
	if site.Rules.Assertion == nil || r.Identity == nil {
		return nil
	}
	return r.assert(r.Identity.assertion)
}

// AssertWithoutAvatar is Assert without the avatar's address, which can be
// long.
func (site *Site) AssertWithoutAvatar(r *Request) error {
	rule := site.Rules.Assertion
	if rule == nil || r.Identity == nil {
		return nil
	}
	claims := r.Identity.claims(rule, r.Origin)
	claims.Avatar = ""
	return r.assert(site.Hub.Assertions.Statement(*rule, claims))
}

func (r *Request) assert(statement *assertion.Statement) (err error) {
	if r.assertion, err = statement.Token(time.Unix(0, r.identified)); err != nil {
		return fmt.Errorf("site: %w", outage.NotDown(err)) // the stores work
	}
	return nil
}

// prepareAssertion prepares what the assertions of an identity say.
func (site *Site) prepareAssertion(r *Request, id *Identity) {
	if rule := site.Rules.Assertion; rule != nil {
		id.assertion = site.Hub.Assertions.Statement(*rule, id.claims(rule, r.Origin))
	}
}

// claims returns what an assertion says about a visitor, whether or not a
// header says it, too: an app may be given the assertion alone. The phone
// number is the exception, which only `header phone` turns on.
func (id *Identity) claims(rule *assertion.Rule, origin string) assertion.Claims {
	return assertion.Claims{
		Issuer: origin, Audience: cmp.Or(rule.Audience, origin), Subject: id.Get(FieldUser),
		OpenID: id.Get(FieldOpenID), UnionID: id.Get(FieldUnionID), AppID: id.Get(FieldAppID), Account: id.Get(FieldAccount), Scope: id.Get(FieldScope),
		Nickname: id.Get(FieldNickname), Avatar: id.Get(FieldAvatar), Phone: id.Get(FieldPhone), Snapshot: id.Guest(),
	}
}
