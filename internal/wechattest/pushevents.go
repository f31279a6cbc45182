package wechattest

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// The Push functions return when the push was accepted or given up; with three
// attempts that takes up to 15 seconds. WeChat's own changes (consent removed,
// tokens void) are made before, also if the account has no push address
// (ErrNoPush). Other errors: ErrUnknown, ErrBadPush.

// Push pushes any message. If members has no ToUserName or CreateTime, they are
// added at the beginning.
func (s *Server) Push(appID string, members ...Member) (Pushed, error) {
	return s.now(s.outgoing(appID, members))
}

// PushRevoke withdraws a person's authorisation (授权撤回): it invalidates the
// consent and every token, code and session_key of this account, and sends
// user_authorization_revoke. codes are the codes of RevokeInfo; without any,
// they are nickname and avatar (205, 6) or everything (301), depending on the
// account.
func (s *Server) PushRevoke(personID, appID string, codes ...string) (Pushed, error) {
	return s.now(s.revoke(personID, appID, codes))
}

// PushCancel tells one account that a person has closed the WeChat account
// (user_authorization_cancellation), and invalidates everything of the person
// there. CloseAccount does this for all accounts.
func (s *Server) PushCancel(personID, appID string) (Pushed, error) {
	return s.now(s.cancel(personID, appID))
}

// PushProfileModified sends user_info_modified without changing the profile.
// CleanProfile changes it, too.
func (s *Server) PushProfileModified(personID, appID string) (Pushed, error) {
	return s.now(s.accountEvent(personID, appID, "user_info_modified"))
}

// PushUnsubscribe makes a person unfollow an account.
func (s *Server) PushUnsubscribe(personID, appID string) (Pushed, error) {
	return s.now(s.follow(personID, appID, false))
}

// PushSubscribe makes a person follow an account.
func (s *Server) PushSubscribe(personID, appID string) (Pushed, error) {
	return s.now(s.follow(personID, appID, true))
}

// PushText sends a person's text to an account. It returns the decrypted reply
// in XML or JSON, "" if the answer is success or empty.
func (s *Server) PushText(personID, appID, text string) (reply string, err error) {
	pushed, err := s.now(s.text(personID, appID, text))
	return pushed.Reply, err
}

func (s *Server) text(personID, appID, text string) (outgoing, error) {
	return s.personMessage(personID, appID, "text",
		Member{"Content", text}, Member{"MsgId", strconv.FormatInt(time.Now().UnixNano(), 10)})
}

// now delivers a push and waits for the result.
func (s *Server) now(o outgoing, err error) (Pushed, error) {
	if err != nil {
		return Pushed{}, err
	}
	return s.send(o), nil
}

// later delivers a push in the background. A missing push address is not an
// error, because WeChat's own changes are already made.
func (s *Server) later(o outgoing, err error) error {
	if err != nil {
		return ignoreNoPush(err)
	}
	if !s.background(func() { s.send(o) }) {
		return fmt.Errorf("%w: too many pushes are under way", ErrFull)
	}
	return nil
}

// outgoing completes and checks a message.
func (s *Server) outgoing(appID string, members []Member) (outgoing, error) {
	a, err := s.pushable(appID)
	if err != nil {
		return outgoing{}, err
	}
	m := append(message{}, members...)
	if !m.has("CreateTime") {
		m = append(message{{"CreateTime", strconv.FormatInt(time.Now().Unix(), 10)}}, m...)
	}
	if !m.has("ToUserName") {
		m = append(message{{"ToUserName", originalID(appID)}}, m...)
	}
	return outgoing{account: a, message: m}, m.check()
}

// personMessage is a message that a person sends.
func (s *Server) personMessage(personID, appID, kind string, rest ...Member) (outgoing, error) {
	if _, ok := s.roster.person(personID); !ok {
		return outgoing{}, fmt.Errorf("%w: person %.64q", ErrUnknown, personID)
	}
	return s.outgoing(appID, append(envelope(appID, s.OpenID(personID, appID), kind), rest...))
}

func envelope(appID, from, kind string) []Member {
	return []Member{
		{"ToUserName", originalID(appID)},
		{"FromUserName", from},
		{"CreateTime", strconv.FormatInt(time.Now().Unix(), 10)},
		{"MsgType", kind},
	}
}

// accountEvent is 授权用户信息变更 (wechat-protocol F6). FromUserName is the platform;
// the person is in OpenID. Mini programs get no UnionID.
func (s *Server) accountEvent(personID, appID, event string, rest ...Member) (outgoing, error) {
	if _, ok := s.roster.person(personID); !ok {
		return outgoing{}, fmt.Errorf("%w: person %.64q", ErrUnknown, personID)
	}
	a, _ := s.roster.account(appID)
	members := append(envelope(appID, derive("platform user", "", appID), "event"),
		Member{"Event", event}, Member{"OpenID", s.OpenID(personID, appID)})
	if union := s.UnionID(personID, appID); union != "" && a.Kind != MiniProgram {
		members = append(members, Member{"UnionID", union})
	}
	members = append(members, Member{"AppID", appID})
	return s.outgoing(appID, append(members, rest...))
}

func (s *Server) revoke(personID, appID string, codes []string) (outgoing, error) {
	a, ok := s.roster.account(appID)
	if !ok {
		return outgoing{}, fmt.Errorf("%w: account %.64q", ErrUnknown, appID)
	}
	if len(codes) == 0 {
		codes = []string{a.Kind.revoked()}
	}
	s.void(personID, appID, 42007)
	return s.accountEvent(personID, appID, "user_authorization_revoke", Member{"RevokeInfo", strings.Join(codes, ",")})
}

func (s *Server) cancel(personID, appID string) (outgoing, error) {
	s.void(personID, appID, 40030)
	return s.accountEvent(personID, appID, "user_authorization_cancellation")
}

func (s *Server) follow(personID, appID string, follows bool) (outgoing, error) {
	if err := s.SetFollow(personID, appID, follows); err != nil {
		return outgoing{}, err
	}
	event := map[bool][]Member{
		true:  {{"Event", "subscribe"}, {"EventKey", ""}},
		false: {{"Event", "unsubscribe"}, {"EventKey", ""}},
	}[follows]
	return s.personMessage(personID, appID, "event", event...)
}

// originalID is an account's 原始ID: "gh_" and 12 characters.
func originalID(appID string) string {
	return "gh_" + strings.ToLower(strings.NewReplacer("_", "0", "-", "1").Replace(derive("original", "", appID)[1:13]))
}
