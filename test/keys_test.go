package test

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// keyFile is the file of the generated keys, as far as the test must know it.
type keyFile struct {
	Version    int              `json:"version"`
	Keys       []map[string]any `json:"keys"`
	Superseded time.Time        `json:"superseded,omitzero"`
}

func (w *world) keyPath() string {
	return filepath.Join(w.folder, "storage", "wechat", "session_keys.json")
}

func (w *world) readKeys() (file keyFile) {
	w.t.Helper()
	data, err := os.ReadFile(w.keyPath())
	if err != nil {
		w.t.Fatal(err)
	}
	if err := json.Unmarshal(data, &file); err != nil {
		w.t.Fatal(err)
	}
	return file
}

// ageKeys moves everything in the file of the keys into the past.
func (w *world) ageKeys(by time.Duration) {
	w.t.Helper()
	file := w.readKeys()
	file.Superseded = file.Superseded.Add(-by)
	for _, key := range file.Keys {
		created, err := time.Parse(time.RFC3339, key["created"].(string))
		if err != nil {
			w.t.Fatal(err)
		}
		key["created"] = created.Add(-by)
	}
	data, err := json.Marshal(file)
	if err != nil {
		w.t.Fatal(err)
	}
	if err := os.WriteFile(w.keyPath(), data, 0o600); err != nil {
		w.t.Fatal(err)
	}
}

// passes says whether the visitor is signed in.
func (v *visitor) passes(site string) bool {
	v.t.Helper()
	return v.send(http.MethodGet, site+"/", "", nil).StatusCode == http.StatusOK
}

// Attack: keys are configured, and a generated one of before goes on opening
// for ever. It does so for the lifetime of what it sealed; then neither a
// restart nor the way back to generated keys revives it.
func TestAttackGeneratedKeyIsRetired(t *testing.T) {
	w := newWorld(t)
	t.Setenv("SESSION_KEY", "a configured key of more than thirty-two characters")
	const silent = "scope snsapi_base"
	generated := w.caddyfile(options{auth: silent})
	configured := w.caddyfile(options{auth: silent, global: "session {\n\t\t\tkey {env.SESSION_KEY}\n\t\t}"})
	v := w.visitor("ming")
	started := false
	start := func(config string) { // a reload may cut connections
		t.Helper()
		if started {
			w.stop()
		}
		v.client.CloseIdleConnections()
		w.load(config)
		started = true
	}
	start(generated)
	v.signIn(w.site + "/")
	first := w.readKeys()

	start(configured)
	if !v.passes(w.site) {
		t.Error("a visitor is signed out because keys are configured")
	}
	if file := w.readKeys(); time.Since(file.Superseded).Abs() > time.Minute || len(file.Keys) != 1 {
		t.Errorf("the file says %v", file.Superseded)
	}
	start(generated)
	if !v.passes(w.site) || !w.readKeys().Superseded.IsZero() {
		t.Error("a visitor is signed out because keys are generated again, or they count as superseded")
	}

	start(configured)
	w.ageKeys(30*24*time.Hour + 31*time.Minute)
	start(configured)
	if v.passes(w.site) {
		t.Error("the generated key opens for ever")
	}
	start(generated)
	if v.passes(w.site) {
		t.Error("the retired key is in use again")
	}
	if file := w.readKeys(); len(file.Keys) != 1 || file.Keys[0]["id"] == first.Keys[0]["id"] || !file.Superseded.IsZero() {
		t.Error("no new key was made")
	}
	v.signIn(w.site + "/")
	if !v.passes(w.site) {
		t.Error("the new key does not work")
	}
}
