// Package flow is what one dance must not forget on the way to WeChat and back ([Flow]).
// It travels sealed in the callback address ([Sealer]), so that nothing is kept on the
// server for visitors who have not signed in. It is bound to a site, to an account and,
// by two cookies, to the browser that began.
//
// It imports session for keys, internal/cookies for the browser, internal/request for the
// address to return to, and internal/wechat for scopes.
package flow
