package wechattest

import "strings"

// pushOdds are the faults of all attempts of one push.
type pushOdds struct {
	twice, badSignature, wrongAppID, oddJSON bool
}

// odds returns the quirks that fire for a push, and applies those that change
// the message or the keys. A quirk that has no effect on this push is not
// counted.
func (s *Server) odds(o *outgoing) pushOdds {
	due := func(possible bool, knob func(*Quirks) *Knob) bool { return possible && s.quirks.fires(AtPush, knob) }
	account := o.message.has("OpenID")
	if due(o.message.has("Event"), func(q *Quirks) *Knob { return &q.PushUnknownEvent }) {
		o.message.change("Event", func(f *Member) { f.Value = "user_authorization_unheard_of" })
	}
	if due(account, func(q *Quirks) *Knob { return &q.PushWithoutOpenID }) {
		o.message = o.message.without("OpenID")
	}
	if due(account, func(q *Quirks) *Knob { return &q.PushLowerCase }) {
		for _, name := range []string{"OpenID", "AppID", "UnionID"} {
			o.message.change(name, func(f *Member) { f.Name = strings.ToLower(f.Name) })
		}
	}
	old, rotated := s.roster.oldPush(o.account.AppID)
	if due(rotated, func(q *Quirks) *Knob { return &q.PushOldToken }) {
		o.account.Push.Token = old.Token
		if old.AESKey != "" {
			o.account.Push.AESKey = old.AESKey
		}
	}
	return pushOdds{
		twice:        due(true, func(q *Quirks) *Knob { return &q.PushTwice }),
		badSignature: due(true, func(q *Quirks) *Knob { return &q.PushBadSignature }),
		wrongAppID:   due(o.account.Push.Mode != PushPlain, func(q *Quirks) *Knob { return &q.PushWrongAppID }),
		oddJSON:      due(account && o.account.Push.Format == PushJSON, func(q *Quirks) *Knob { return &q.PushOddJSON }),
	}
}

// change applies f to the member with a name. The message is the caller's own.
func (m message) change(name string, f func(*Member)) {
	for i := range m {
		if m[i].Name == name {
			f(&m[i])
		}
	}
}

func (m message) without(name string) message {
	var rest message
	for _, f := range m {
		if f.Name != name {
			rest = append(rest, f)
		}
	}
	return rest
}
