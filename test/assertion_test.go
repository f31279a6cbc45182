package test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/caddy-wechat/gateway/internal/site"
)

// listedAt returns the list of public keys of a site.
func (v *visitor) listedAt(address string) (list jose.JSONWebKeySet) {
	v.t.Helper()
	a := v.send(http.MethodGet, address+"/_wechat/jwks.json", "", nil)
	if err := json.Unmarshal([]byte(a.body), &list); err != nil || a.StatusCode != http.StatusOK {
		v.t.Fatalf("the list of keys: %s %s, %v", a.Status, a.body, err)
	}
	return list
}

func keyIDs(list jose.JSONWebKeySet) (ids []string) {
	for _, k := range list.Keys {
		ids = append(ids, k.KeyID)
	}
	return ids
}

// As docs/assertion.md says: a new key that is added as the second one is
// listed and does not sign; put first, it signs, and every app knows it by
// then. A key whose line is removed is not listed.
func TestAssertionKeysRotateAsDocumented(t *testing.T) {
	w := newWorld(t)
	f := w.listCounter()
	v := w.visitor("hong")
	for _, step := range []struct {
		name   string
		keys   []string
		listed int
		signs  string
	}{
		{"one key", []string{oldKey}, 1, oldKey},
		{"the new one second", []string{oldKey, newKey}, 2, oldKey},
		{"the new one first", []string{newKey, oldKey}, 2, newKey},
		{"the old one removed", []string{newKey}, 1, newKey},
	} {
		w.asserting(f, step.keys...)
		v.client.CloseIdleConnections()
		known := v.listedAt(f.URL)
		if len(known.Keys) != step.listed {
			t.Errorf("%s: %d keys are listed, want %d", step.name, len(known.Keys), step.listed)
		}
		token := w.asserted(f)
		signed, err := jose.ParseSigned(token, []jose.SignatureAlgorithm{jose.ES256})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := signed.Verify(known); err != nil {
			t.Errorf("%s: the list does not verify the assertion: %v", step.name, err)
		}
		if _, err := signed.Verify(&signatureKey(t, step.signs).PublicKey); err != nil {
			t.Errorf("%s: another key than that of %q signs", step.name, step.signs)
		}
	}
}

// Generated keys sign, and stay the same over a restart.
func TestAssertionOfGeneratedKeys(t *testing.T) {
	w := newWorld(t)
	f := w.listCounter()
	w.asserting(f)
	before, token := keyIDs(w.visitor("hong").listedAt(f.URL)), w.asserted(f)
	if len(before) != 1 || headerOf(t, token).KeyID != before[0] {
		t.Errorf("listed are %v, and %s signs", before, headerOf(t, token).KeyID)
	}
	w.stop()
	w.asserting(f)
	if after := keyIDs(w.visitor("hong").listedAt(f.URL)); !slices.Equal(before, after) {
		t.Errorf("after a restart, %v are listed, want %v", after, before)
	}
}

// Other proxies in front pass the assertion on to the app, and none of the
// visitor's own.
func TestAssertionThroughOtherProxies(t *testing.T) {
	for _, f := range fronts {
		t.Run(f.name, func(t *testing.T) {
			w := newWorld(t)
			address := f.guards(w, options{auth: "assertion"})
			v := w.visitor("ming")
			if a := v.signIn(address + "/"); a.StatusCode != http.StatusOK {
				t.Fatalf("signing in: %s at %s", a.Status, a.url)
			}
			w.app.take()
			forged := http.Header{}
			for _, spelling := range []string{"X-Wechat-Assertion", "X_Wechat_Assertion", "x-wechat_assertion"} {
				forged[spelling] = []string{"evil", "evil too"}
			}
			if a := v.send(http.MethodGet, address+"/", "", forged); a.StatusCode != http.StatusOK {
				t.Fatalf("%s at %s", a.Status, a.url)
			}
			got := w.app.one(t).header
			for name, values := range got {
				if strings.HasPrefix(values[0], "evil") {
					t.Errorf("%s: %q arrived", name, values)
				}
			}
			values := got.Values(site.HeaderAssertion)
			if len(values) != 1 {
				t.Fatalf("%d assertions arrived, want 1", len(values))
			}
			signed, err := jose.ParseSigned(values[0], []jose.SignatureAlgorithm{jose.ES256})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := signed.Verify(v.listedAt(address)); err != nil {
				t.Errorf("the list does not verify the assertion: %v", err)
			}
		})
	}
}
