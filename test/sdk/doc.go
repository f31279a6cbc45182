// Package sdk runs other people's WeChat SDKs through the simulator and the
// gateway: silenceper/wechat (Go), co-wechat-oauth and wechat (npm); and the
// Express app of docs/upstreams.md. It is a module of its own, so that the
// gateway's go.mod knows none of them.
//
// The gateway and the simulator are the binary that is shipped, started as an
// operator starts them. The npm packages must be there: npm ci in this folder,
// as test/all.sh does.
package sdk
