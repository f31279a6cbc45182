// Package request reads what a request says about itself: the kind of browser,
// whether it loads a page, its site, the readings of its path, the address to
// return to, and headers that a visitor must not send. It makes no decisions:
// package gate does.
//
// All input comes from untrusted clients. A User-Agent grants nothing. A path
// is read in every way in which an upstream may read it ([ReadPath]): a rule
// that opens a path must hold for all readings, a rule that demands a session
// for one ([Paths]). A return target that could lead to another site becomes
// "/" ([CleanTarget]).
//
// It imports only the standard library.
package request
