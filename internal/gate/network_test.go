package gate

import "testing"

func TestNetworks(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"203.0.113.77": "203.0.113.0/24", "203.0.113.77:80": "203.0.113.0/24", "::ffff:203.0.113.9": "203.0.113.0/24",
		"2001:db8:1:2fe::3": "2001:db8:1:200::/56", "[2001:db8:1:2ff::3]:80": "2001:db8:1:200::/56",
		"": "invalid Prefix", "@": "invalid Prefix", "unix": "invalid Prefix", "nonsense": "invalid Prefix",
	} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			r := &Request{Request: newRequest(t, "GET", "/"), ClientIP: text}
			if got := r.network().String(); got != want {
				t.Errorf("%q is of %s, want %s", text, got, want)
			}
		})
	}
}
