package wechattest

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// The Push functions return when the push was accepted or given up; with three
// attempts that is up to 15 seconds. What WeChat does itself (the consent is
// gone, the tokens are dead) is done before, also where the account has no
// address for pushes (ErrNoPush). Other errors: ErrUnknown, ErrBadPush.

// Push pushes any message. ToUserName and CreateTime come first where members
// has none.
func (s *Server) Push(appID string, members ...Member) (Pushed, error) {
	return s.now(s.outgoing(appID, members))
}

// PushRevoke lets a person withdraw what was authorised (授权撤回): the consent and
// every token, code and session_key of this account are void, and
// user_authorization_revoke says so. codes are those of RevokeInfo; none is
// nickname and avatar (205, 6), or all (301), as the account has it.
func (s *Server) PushRevoke(personID, appID string, codes ...string) (Pushed, error) {
	return s.now(s.revoke(personID, appID, codes))
}

// PushCancel says that a person has closed the WeChat account
// (user_authorization_cancellation), to one account. Everything of the person is
// void there. CloseAccount does it everywhere.
func (s *Server) PushCancel(personID, appID string) (Pushed, error) {
	return s.now(s.cancel(personID, appID))
}

// PushProfileModified says that WeChat has changed a person's profile
// (user_info_modified). CleanProfile changes it, too.
func (s *Server) PushProfileModified(personID, appID string) (Pushed, error) {
	return s.now(s.accountEvent(personID, appID, "user_info_modified"))
}

// PushUnsubscribe lets a person no longer follow an account.
func (s *Server) PushUnsubscribe(personID, appID string) (Pushed, error) {
	return s.now(s.follow(personID, appID, false))
}

// PushSubscribe lets a person follow an account.
func (s *Server) PushSubscribe(personID, appID string) (Pushed, error) {
	return s.now(s.follow(personID, appID, true))
}

// PushText lets a person send a text to an account, and returns what comes back
// as it was written, decrypted: XML or JSON, "" for success and for nothing.
func (s *Server) PushText(personID, appID, text string) (reply string, err error) {
	pushed, err := s.now(s.text(personID, appID, text))
	return pushed.Reply, err
}

func (s *Server) text(personID, appID, text string) (outgoing, error) {
	return s.personMessage(personID, appID, "text",
		Member{"Content", text}, Member{"MsgId", strconv.FormatInt(time.Now().UnixNano(), 10)})
}

// now delivers, and waits for it.
func (s *Server) now(o outgoing, err error) (Pushed, error) {
	if err != nil {
		return Pushed{}, err
	}
	return s.send(o), nil
}

// later delivers in the background. No address is no error: what WeChat does
// itself was done.
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

// accountEvent is 授权用户信息变更 (F6). FromUserName is the platform; the person
// is in OpenID. Mini programs get no UnionID.
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
