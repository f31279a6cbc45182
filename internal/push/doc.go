// Package push answers WeChat's server: the check of the server URL, and
// message pushes (消息推送). It carries out the events by which a person withdraws
// what they granted, and relays everything else to the bot or app that had the
// server URL before.
//
// # Authentication
//
// An unsigned request has no effect and is not relayed. It is counted and
// answered 403 with an empty body, which does not say why. The signed timestamp
// must be within ten minutes of this machine's clock (WeChat tries three times
// within 15 s; the rest allows for clocks). The event in a push may be older: a
// late event is still carried out. The ledger remembers for a day which pushes
// it has carried out.
//
// With an AES key, only the encrypted part of a push counts. In plain mode
// WeChat does not sign the body: an attacker who has seen the address of one
// push, in a log for example, can send any body with it for ten minutes.
// Therefore plain pushes are refused if there is a key, and every account
// should have one.
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
// If a site admits followers only, subscribe and unsubscribe are also recorded
// as [ledger.Following]. In plain mode a subscribe does not make a follower: it
// has WeChat asked.
//
// Each event is one [ledger.Withdrawal], so that the record, the end of the
// sessions and the notice to other systems are one step, and a repeated push
// does nothing again. If WeChat leaves the openid out, the unionid identifies
// the person. Sessions created up to the event's own time end; a time in the
// future counts as now.
//
// # When WeChat is answered
//
// WeChat expects `success` within 5 s, or it tries again. Normally the step is
// done before the answer. If it takes longer than 3 s, or the ledger is
// unavailable, the step goes into the [Journal], WeChat is answered, and the
// step is retried until it succeeds, within two seconds after the ledger is
// back. At most 10,000 steps wait at a time. [Handler.Resume] continues the
// steps that an earlier process left in the journal. If the journal cannot be
// written, or 10,000 steps wait, the answer is 503, so that WeChat tries again.
//
// # The relay
//
// A push is relayed as it arrived: method, query, body and the headers that
// describe it. Repeated pushes are relayed too, as a bot would see them without
// the gateway. The relay's answer is passed to WeChat if it is a 200 of at most
// 1 MiB within 4.5 s. The relay always gets unsubscribe, and the other three
// events with RelayAll. A signed push that cannot be parsed is relayed.
//
// # What it may import
//
// The standard library, internal/wechat, internal/ledger and internal/limit.
package push
