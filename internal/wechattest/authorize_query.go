package wechattest

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
)

const (
	maxQuery = 8192 // bytes of the authorize page's query
	maxState = 128  // bytes (wechat-protocol A1.2)
)

var (
	errOrder    = errors.New("参数顺序不对或参数不明")
	errEncoding = errors.New("参数编码不对")
	errTooLong  = errors.New("链接太长")
)

var badResponseType = words{"response_type 参数错误", "response_type is wrong."}

// badQuery says what is wrong with an address.
func badQuery(err error) words {
	english := "The address has a parameter in another encoding."
	switch {
	case errors.Is(err, errTooLong):
		english = "The address is too long."
	case errors.Is(err, errOrder):
		english = "The parameters are unknown or in another order than WeChat's."
	}
	return words{err.Error(), english}
}

// orderedParams are the parameters that must come in this order; extraParams
// may follow, in any order, each once. uin, key and version are added by
// desktop clients (wechat-protocol A1.7).
var (
	orderedParams = []string{"appid", "redirect_uri", "response_type", "scope", "state"}
	extraParams   = []string{"forcePopup", "forceSnapShot", "connect_redirect", "uin", "key", "version", "component_appid"}
)

// authorizeQuery is the query of the authorize page.
type authorizeQuery struct {
	appID, redirectURI, responseType, scope, state string
	forcePopup, forceSnapshot, connectRedirect     bool
	component                                      bool // a third-party platform asks
}

// parseAuthorize reads the raw query as strictly as WeChat documents it:
// "微信会对授权链接做正则强匹配校验，如果链接的参数顺序不对，授权页面将无法正常访问" (wechat-protocol A1.1). A missing
// parameter is empty; a parameter that is out of order, unknown or repeated is
// errOrder.
//
// A server cannot see whether #wechat_redirect follows.
func parseAuthorize(raw string) (authorizeQuery, error) {
	if len(raw) > maxQuery {
		return authorizeQuery{}, errTooLong
	}
	values := map[string]string{}
	position := 0
	for part := range strings.SplitSeq(raw, "&") {
		if raw == "" {
			break
		}
		name, escaped, _ := strings.Cut(part, "=")
		rank := slices.Index(orderedParams, name)
		if rank < 0 && slices.Contains(extraParams, name) {
			rank = len(orderedParams)
		}
		if _, twice := values[name]; twice || rank < position {
			return authorizeQuery{}, fmt.Errorf("%w: %.40q", errOrder, name)
		}
		position = rank
		value, err := url.QueryUnescape(escaped)
		if err != nil {
			return authorizeQuery{}, fmt.Errorf("%w: %s", errEncoding, name)
		}
		values[name] = value
	}
	_, component := values["component_appid"]
	return authorizeQuery{
		appID: values["appid"], redirectURI: values["redirect_uri"], responseType: values["response_type"],
		scope: values["scope"], state: values["state"],
		forcePopup:      values["forcePopup"] == "true",
		forceSnapshot:   values["forceSnapShot"] == "true",
		connectRedirect: values["connect_redirect"] == "1",
		component:       component,
	}, nil
}

// validState reports whether state has the documented alphabet and length. It
// may be missing.
func validState(state string) bool { return len(state) <= maxState && only(state, isAlnum) }

// covered reports whether an address is an allowed callback. Hosts match
// exactly.
func (a Account) covered(redirectURI string) bool {
	u, err := url.Parse(redirectURI)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.User != nil {
		return false
	}
	usual := u.Port() == "" || u.Port() == "80" || u.Port() == "443"
	return slices.ContainsFunc(a.CallbackDomains, func(domain string) bool {
		return domain == "*" || strings.EqualFold(domain, u.Host) || usual && strings.EqualFold(domain, u.Hostname())
	})
}

// logUncovered says in the log which callback was refused with 10003, and what
// the account allows. WeChat says neither.
func (s *Server) logUncovered(a Account, redirectURI string) {
	host := "without a host"
	if u, err := url.Parse(redirectURI); err == nil && u.Host != "" {
		host = u.Scheme + "://" + u.Host
	}
	s.logf("callback %.120q is not covered by the callback domains of %s: %.200q", host, a.AppID, a.CallbackDomains)
}
