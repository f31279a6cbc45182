// Package doctor examines a gateway's configuration, its running server and
// WeChat, and says in one sentence for each check what it found and what to do.
// `wechat doctor` prints it.
//
// [Setup] is what a configuration says; [Setup.Examine] runs the checks, and
// returns a [Report]. The checks are safe on a production server: they only
// read, each question has a time limit, and no sentence contains a secret. They
// never force a new access token, open the ledger or change Redis.
//
// The sentences about what to do are those of internal/advice.
//
// It imports internal/advice, internal/wechat for the calls, and
// internal/fleetredis for the list of gateways in Redis; go-redis. It does not
// import Caddy: caddymodule reads the configuration.
package doctor
