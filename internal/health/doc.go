// Package health says whether a gateway is fit to serve. Load balancers ask it
// by [Endpoints], operators by [Monitor.Ask] and [Details].
//
// Three parts decide: the store of sessions, the session keys and the ledger.
// WeChat is shown and never decides: visitors who are signed in do not need it,
// and a load balancer would drop all of them.
//
// Each part is asked at most once a second, however many requests come
// (attack: a flood of /_wechat/ready), and a part that hangs counts as failed
// after a second. Nothing runs while no request comes.
//
// It imports internal/response.
package health
