// Package profile refreshes old profiles in the background, with the refresh
// token of a consent, which the ledger stores sealed ([Refresher]). A visitor
// never waits for it and is never redirected.
//
// It imports session for the keys that seal, internal/wechat and
// internal/ledger, and internal/audit and internal/limit for the logs.
package profile
