// Package page writes the pages that a visitor sees while signing in with
// WeChat: one page for each [Kind], in Chinese and English. A page loads no
// other file, is never cached and has no script. Only the page that waits for a
// phone, and those that keep and send a form, have a small script, and also
// work without it. Only Framed may be framed, by the same site. [Fragment] is a
// page of its own, without a theme: it goes on at once.
//
// The built-in theme is in the folder theme. Operators put files of the same
// names into their own folder, and [LoadTheme] replaces the built-in files with
// them:
//
//	page.html    the html/template of every page; its data is the type view
//	style.css    the stylesheet; the Content-Security-Policy allows exactly this one, by its hash
//	texts.json   words, only those that differ: {"consent": {"title": {"zh-CN": "…", "en": "…"}}}
//	<kind>.svg   the illustration of one kind, for example consent.svg
//
// If an operator's page.html leaves out a part that a page needs (the code, the
// number and {{.Script}} of scan, the forms of scan_confirm and other_person,
// the code and the form of follow, the link of framed, the form and {{.Script}} of resend), the built-in page is
// shown instead.
//
// Imports: the standard library and rsc.io/qr, nothing else.
package page
