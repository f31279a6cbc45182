// Package profile fetches old profiles anew, behind their visitors' backs, with the
// refresh token of a consent, which the ledger keeps sealed ([Refresher]). A visitor never
// waits for it, and is never sent anywhere.
//
// It imports session for the keys that seal, internal/wechat and internal/ledger, and
// internal/audit and internal/limit for the logs.
package profile
