package session_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/caddy-wechat/gateway/session"
)

// A visitor signs in, comes back with the cookie, and is known.
func Example() {
	ring, err := session.NewRing("an example; real keys come from: openssl rand -base64 32")
	if err != nil {
		fmt.Println(err)
		return
	}
	store := session.Sealed{Keys: ring}
	site := session.Binding{Site: "https://shop.example.com", AppID: "wx0123456789abcdef"}
	ctx := context.Background()

	// Signing in.
	s := session.New(site, "ab2cd3ef4gh5ij6kl7mnopqrst", "o6_bmjrPTlm6_2sgVt7hMZOPfL2M", session.ScopeBase)
	value, err := store.Save(ctx, s)
	if err != nil {
		fmt.Println(err)
		return
	}
	answer := httptest.NewRecorder()
	session.SessionCookie{}.Set(answer, value, true, time.Until(store.Policy.Expires(s)))

	// Coming back.
	r := httptest.NewRequest(http.MethodGet, "https://shop.example.com/", nil)
	r.Header.Set("Cookie", "theme=dark")
	r.AddCookie(answer.Result().Cookies()[0])
	for _, value := range (session.SessionCookie{}).Values(r, true) {
		if s, err := store.Load(ctx, value, site); err == nil {
			fmt.Print(s.Person, " ", s.Scope)
		}
	}

	// What the upstream gets.
	session.SessionCookie{}.Strip(r)
	fmt.Println(" and the app gets", r.Header.Get("Cookie"))
	// Output: ab2cd3ef4gh5ij6kl7mnopqrst snsapi_base and the app gets theme=dark
}
