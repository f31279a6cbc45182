package page

import (
	"strings"
	"testing"
)

// Every kind of page has samples, each once, and each is a page of its own.
func TestSamples(t *testing.T) {
	t.Parallel()
	names, bodies, ofKind := map[string]bool{}, map[string]string{}, map[Kind]int{}
	for _, s := range Samples() {
		name := string(s.Page.Kind) + "/" + s.State
		if names[name] {
			t.Errorf("%s is there twice", name)
		}
		names[name] = true
		ofKind[s.Page.Kind]++
		w := get(t, s.Page, english)
		checkSafe(t, w)
		if other := bodies[w.Body.String()]; other != "" {
			t.Errorf("%s looks like %s", name, other)
		}
		bodies[w.Body.String()] = name
	}
	for _, kind := range kinds {
		if ofKind[kind] == 0 {
			t.Errorf("%s has no sample", kind)
		}
	}
	for _, name := range []string{
		"open_in_wechat/long_address", "open_in_wechat/address_only", "open_in_wechat/bare", "consent/one_way", "scan/no_script", "unavailable/bare",
		"sign_in_expired/consent_missing", "sign_in_expired/too_large", "sign_in_expired/incomplete",
		"resend/form_waits", "resend/files_again", "resend/files_and_passwords_again", "resend/other_person",
	} {
		if !names[name] {
			t.Errorf("there is no %s", name)
		}
	}
	if len(names) < 25 {
		t.Errorf("only %d samples", len(names))
	}
}

// The built-in files, put into a folder, are the built-in pages.
func TestFilesLoadUnchanged(t *testing.T) {
	t.Parallel()
	theme, err := LoadTheme(Files())
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range Samples() {
		for _, lang := range []language{chinese, english} {
			want := get(t, s.Page, lang)
			s.Page.Theme = theme
			got := get(t, s.Page, lang)
			if got.Body.String() != want.Body.String() || strings.Join(got.Header()["Content-Security-Policy"], "") != strings.Join(want.Header()["Content-Security-Policy"], "") {
				t.Errorf("%s/%s in %s differs", s.Page.Kind, s.State, lang)
			}
		}
	}
}
