// Package page writes the pages a visitor sees while signing in with WeChat: one answer for each [Kind], in
// Chinese and English, complete in itself. A page loads nothing, is never cached and has no script; the one that waits
// for a phone has a small one of ours, and works without. Only Framed may be framed, by the same site.
//
// The built-in look lies in the folder theme. Operators put files of the same names in a folder of their own
// and [LoadTheme] lays them over the built-in ones:
//
//	page.html    the html/template of every page; its data is the type view
//	style.css    the stylesheet; the Content-Security-Policy allows exactly this one, by its hash
//	texts.json   words, only those that differ: {"consent": {"title": {"zh-CN": "…", "en": "…"}}}
//	<kind>.svg   the illustration of one kind, for example consent.svg
//
// Where an own page.html leaves out what a page is of no use without (the code, the number and {{.Script}} of scan, the
// forms of scan_confirm and other_person, the way out of framed) the built-in look is shown instead.
//
// Imports: the standard library and rsc.io/qr, nothing else.
package page
