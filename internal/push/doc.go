// Package push answers WeChat's server: the check of the server URL, and what it
// pushes (消息推送). It acts on the events that end what a person granted, and
// passes everything else on to the bot or app that had the server URL before.
//
// # What is believed
//
// Nothing that is not signed has any effect, is relayed, or learns why it was
// refused: 403, an empty body, and a count. What is signed must be no more than
// ten minutes old, or ahead, by the timestamp WeChat signed (it tries three times
// within 15 s; the rest is for clocks). The event in it may be older: what is told
// late is told all the same. The ledger remembers for a day what it has done.
//
// With an AES key, only the encrypted half of a push counts. WeChat's plain mode
// signs no body: whoever has seen one address of a push, in a log for example, can
// send any body with it for ten minutes. That is why clear text is refused where
// there is a key, and why every account should have one.
//
// # What is done
//
//	event                            what goes                      and
//	user_authorization_revoke        what RevokeInfo names          consent, sessions
//	user_authorization_cancellation  all of the openid; the person  sessions
//	                                 when it was the last
//	user_info_modified               the profile, fetched anew      sessions; consent if it
//	                                 where that is possible         cannot be fetched
//	unsubscribe, if so configured    the profile                    consent, sessions
//
// Each is one [ledger.Withdrawal], so that the record, the end of the sessions and
// the notice to other systems are one step, and a push that arrives again does
// nothing again. Where WeChat left the openid out, the unionid says who it is.
// Sessions end that were created until the event's own time, which
// is never taken to be later than now.
//
// # When WeChat is answered
//
// WeChat wants `success` within 5 s, or it tries again. The step is normally done
// before it gets that. If it takes longer than 3 s, or the ledger is unavailable,
// the step goes into the [Journal], WeChat is answered, and the step is tried until
// it succeeds, within a second or two after the ledger is back: at most 10,000 at a
// time. [Handler.Resume] takes up what the process before has left. If the journal
// cannot be written either, or 10,000 wait, the answer is 503, so that WeChat tries
// again.
//
// # The relay
//
// A push goes to the relay as it came: method, query, body and the headers that
// describe it; repeated pushes too, since that is what a bot sees without us. Its
// answer goes back if it is a 200, of at most 1 MiB, within 4.5 s. A bot always
// hears of unsubscribe, and of the other three with RelayAll. What is signed and
// cannot be read is nobody's event, so it is relayed.
//
// # What it may import
//
// The standard library, internal/wechat and internal/ledger.
package push
