package caddymodule

import "testing"

func TestOriginOfAddress(t *testing.T) {
	usual, moved, off := ports{http: "80"}, ports{http: "8080"}, ports{http: "80", noHTTPS: true}
	for _, c := range []struct {
		address string
		p       ports
		want    string // "" for an address that does not say it
	}{
		{"shop.example.com", usual, "https://shop.example.com"},
		{"SHOP.example.com:443", usual, "https://shop.example.com"},
		{"https://shop.example.com/", usual, "https://shop.example.com"},
		{"shop.example.com:8443", usual, "https://shop.example.com:8443"},
		{"HTTP://shop.example.com", usual, "http://shop.example.com"},
		{"http://shop.example.com:8080", usual, "http://shop.example.com:8080"},
		{"shop.example.com:80", usual, "http://shop.example.com"},
		{"shop.example.com:8080", moved, "http://shop.example.com:8080"},
		{"shop.example.com", moved, "https://shop.example.com"},
		{"shop.example.com", off, ""},
		{"https://shop.example.com", off, "https://shop.example.com"},
		{"[2001:DB8::1]:8443", usual, "https://[2001:db8::1]:8443"},
		{"127.0.0.1", usual, "https://127.0.0.1"},
		{":443", usual, ""},
		{"*.example.com", usual, ""},
		{"{env.HOST}", usual, ""},
		{"商店.example.com", usual, ""},
	} {
		if got, ok := originOfAddress(c.address, c.p); got != c.want && ok || ok != (c.want != "") {
			t.Errorf("%s: %q, %v, want %q", c.address, got, ok, c.want)
		}
	}
}
