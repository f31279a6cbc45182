// Package flow holds the state of one dance ([Flow]). It travels to WeChat and
// back, sealed in the callback address ([Sealer]), so that the server stores
// nothing for visitors who are not signed in. It is bound to a site, to an
// account and, by two cookies, to the browser that began.
//
// It imports session for keys, internal/cookies for the browser,
// internal/request for the address to return to, and internal/wechat for
// scopes.
package flow
