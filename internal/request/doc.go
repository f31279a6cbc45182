// Package request reads what a request says about itself: what kind of browser sent
// it, whether it loads a page, which site it asks for, how servers may read its path,
// which address of the site a visitor may come back to, and which headers a visitor
// must not send. It decides nothing: package gate does, with what it finds here.
//
// Everything here comes from strangers. A User-Agent grants nothing. A path is read
// in every way a server behind us may read it ([ReadPath]): a rule that opens must
// hold in all of them, a rule that demands in one ([Paths]). A return target that
// could lead elsewhere becomes "/" ([CleanTarget]).
//
// It imports the standard library alone.
package request
