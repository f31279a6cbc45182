package test

import (
	"testing"
)

// Tomcat's own example of a session, as a person uses it: forms by POST and by
// GET, refresh, Back, and two tabs that share the session.
func TestBrowserTomcatSession(t *testing.T) {
	const example = "/examples/servlets/servlet/SessionExample"
	w := newWorld(t)
	site := w.tomcatSite("")
	b := w.phone("ming")
	// Tomcat's first page holds addresses with ;jsessionid=…, because it has
	// not seen its cookie yet.
	b.signsInto(site+example, "GET based form")
	id := b.text(`document.body.innerText.match(/[0-9A-F]{32}/)[0]`)
	b.is("has rewritten addresses", `document.forms[0].action.includes(';jsessionid=')`)
	b.types("form[method=POST] [name=dataname]", "colour")
	b.types("form[method=POST] [name=datavalue]", "green & 100%")
	b.tap("form[method=POST] [type=submit]")
	b.sees("colour = green & 100%")
	b.reloads() // posts it again
	b.sees("colour = green & 100%")

	b.goes(-1)
	b.arrives(site + example)
	b.goes(1)
	b.sees("colour = green & 100%")

	other := b.tab()
	other.open(site + example)
	other.sees("colour = green & 100%")
	other.types("form[method=GET] [name=dataname]", "size")
	other.types("form[method=GET] [name=datavalue]", "4 2")
	other.tap("form[method=GET] [type=submit]")
	other.arrives(site + example + "?dataname=size&datavalue=4+2")
	b.open(site + example)
	b.sees("size = 4 2")

	// The gateway's session ends; the app's goes on, also at an address that
	// names it, and with a form that is sent by GET.
	for _, address := range []string{example, example + ";jsessionid=" + id} {
		b.loses(site)
		b.open(site + address)
		b.arrives(site + address)
		b.sees("size = 4 2")
	}
	b.loses(site)
	b.types("form[method=GET] [name=dataname]", "weight")
	b.types("form[method=GET] [name=datavalue]", "1=1&2")
	b.tap("form[method=GET] [type=submit]")
	b.arrives(site + example + "?dataname=weight&datavalue=1%3D1%262")
	b.sees("weight = 1=1&2")
	b.sees(id)
}

// Examples that are small applications: a cart, a game, a form whose fields
// share a name. Back shows the form as it was left.
func TestBrowserTomcatExamples(t *testing.T) {
	w := newWorld(t)
	site := w.tomcatSite("scope snsapi_base")
	b := w.phone("ming")

	b.open(site + "/examples/jsp/sessions/carts.jsp")
	b.is("chooses", `(option => option && (option.selected = true))([...document.querySelectorAll('option')].find(o => o.text === 'NIN CD'))`)
	b.tap("input[value=add]")
	const inCart = `document.querySelector('ol').textContent.includes('NIN CD')`
	b.is("has it in the cart", inCart)
	b.loses(site)
	b.open(site + "/examples/jsp/sessions/carts.jsp")
	b.is("has it in the cart still", inCart)

	b.open(site + "/examples/jsp/num/numguess.jsp")
	b.sees("Welcome to the Number Guess game")
	for range 2 { // the number is between 1 and 100
		b.types("[name=guess]", "0")
		b.tap("[type=submit]")
		b.sees("higher")
	}
	b.sees("You have made 2 guesses")

	b.open(site + "/examples/jsp/checkbox/check.html")
	b.tap("[name=fruit][value=apples]")
	b.tap("[name=fruit][value=oranges]")
	b.tap("[type=submit]")
	b.sees("apples")
	b.sees("oranges")
	b.goes(-1)
	b.is("finds its boxes checked", `document.querySelectorAll('[name=fruit]:checked').length === 2`)

	// Tomcat's own way out of an old page.
	b.open(site + "/bye.jsp")
	b.sees("再见")
	if cookie := b.sessionCookie(site); cookie != nil {
		t.Errorf("the session cookie is still there: %+v", cookie)
	}
}
