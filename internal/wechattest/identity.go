package wechattest

import (
	"crypto/sha256"
	"encoding/base64"
	"strings"
)

// OpenID returns a person's openid at an account: "o" and 27 characters of
// [0-9A-Za-z_-], always the same.
func (s *Server) OpenID(personID, appID string) string { return derive("openid", personID, appID) }

// UnionID returns a person's unionid: the same for every account of a platform,
// "" for an account without a platform.
func (s *Server) UnionID(personID, appID string) string {
	return s.unionID("unionid", personID, appID)
}

// VirtualOpenID returns the openid of a person in a 快照页. It always differs from
// OpenID.
func (s *Server) VirtualOpenID(personID, appID string) string {
	return derive("virtual openid", personID, appID)
}

// VirtualUnionID returns the unionid of a person in a 快照页, "" for an account
// without platform.
func (s *Server) VirtualUnionID(personID, appID string) string {
	return s.unionID("virtual unionid", personID, appID)
}

func (s *Server) unionID(kind, personID, appID string) string {
	a, ok := s.roster.account(appID)
	if !ok || a.Platform == "" {
		return ""
	}
	return derive(kind, personID, a.Platform)
}

func derive(kind, personID, scope string) string {
	sum := sha256.Sum256([]byte(strings.Join([]string{kind, personID, scope}, "\x00")))
	return "o" + base64.RawURLEncoding.EncodeToString(sum[:])[:27]
}

// identity is the identity of a person in a token.
type identity struct{ openID, unionID string }

// identify returns a person's identity in a dance. Reports of 快照页 disagree
// about what is virtual (wechat-protocol A6.2, A6.4, A6.5), so that is up to
// the quirks.
func (s *Server) identify(personID, appID string, snapshot bool) identity {
	if !snapshot {
		return identity{s.OpenID(personID, appID), s.UnionID(personID, appID)}
	}
	q := s.quirks.copy()
	if q.SnapshotRealIDs {
		return identity{s.OpenID(personID, appID), s.UnionID(personID, appID)}
	}
	if q.SnapshotSharedUnionID {
		return identity{s.VirtualOpenID(personID, appID), s.VirtualUnionID("", appID)}
	}
	return identity{s.VirtualOpenID(personID, appID), s.VirtualUnionID(personID, appID)}
}
