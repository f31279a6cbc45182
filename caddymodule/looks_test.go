package caddymodule_test

import (
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/caddyconfig"

	"github.com/caddy-wechat/gateway/caddymodule"
	"github.com/caddy-wechat/gateway/internal/page"
)

// A look is what visitors of each site would see: the site's own brand or that
// of all, over the site's own files. No secret is needed.
func TestLooks(t *testing.T) {
	t.Setenv("BRAND", "某某集团")
	folder := t.TempDir()
	for name, content := range map[string]string{"texts.json": `{"denied":{"title":{"en":"Own words"}}}`, "logo.svg": `<svg xmlns="http://www.w3.org/2000/svg"/>`} {
		where := folder
		if name == "logo.svg" {
			where = t.TempDir()
			t.Setenv("LOGO", filepath.Join(where, name))
		}
		if err := os.WriteFile(filepath.Join(where, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	looks, err := caddymodule.Looks(adapt(t, `{
	wechat {
		official_account {
			app_id {env.NOT_SET_APP_ID}
			app_secret {env.NOT_SET}
		}
		brand {
			name {env.BRAND}
			logo {env.LOGO}
			color "#c00"
		}
	}
}
shop.example.com, www.example.com {
	wechat_auth
}
school.example.com {
	wechat_auth {
		pages `+folder+`
		brand {
			name 学校
		}
	}
}
broken.example.com {
	wechat_auth {
		pages /not/there
	}
}
other.example.com {
	respond hello
}
`))
	if err != nil {
		t.Fatal(err)
	}
	if len(looks) != 3 {
		t.Fatalf("%d looks: %+v", len(looks), looks)
	}
	for i, want := range []struct {
		name  string
		has   []string
		lacks string
		err   string
	}{
		{"broken.example.com", nil, "", "/not/there"},
		{"school.example.com", []string{"学校", "Own words"}, "#cc0000", ""},
		{"shop.example.com, www.example.com", []string{"某某集团", "#cc0000", "data:image/svg+xml"}, "Own words", ""},
	} {
		look, found := looks[0], false
		for _, l := range looks {
			if l.Name == want.name {
				look, found = l, true
			}
		}
		if !found {
			t.Errorf("%d: no look is called %s: %+v", i, want.name, looks)
			continue
		}
		if want.err != "" {
			if look.Err == nil || !strings.Contains(look.Err.Error(), want.err) {
				t.Errorf("%s: error %v", want.name, look.Err)
			}
			continue
		}
		if look.Err != nil {
			t.Errorf("%s: %v", want.name, look.Err)
			continue
		}
		w := httptest.NewRecorder()
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("Accept-Language", "en")
		page.Page{Kind: page.Denied, Theme: look.Theme}.Write(w, r)
		for _, has := range want.has {
			if !strings.Contains(w.Body.String(), has) {
				t.Errorf("%s: no %s", want.name, has)
			}
		}
		if strings.Contains(w.Body.String(), want.lacks) {
			t.Errorf("%s: has %s", want.name, want.lacks)
		}
	}
}

func TestLooksOfOtherConfigurations(t *testing.T) {
	for name, config := range map[string]string{"nothing": `{}`, "no sites": `{"apps":{"wechat":{}}}`, "no app": `{"apps":{"http":{"servers":{"a":{"routes":[{"handle":[{"handler":"static_response"}]}]}}}}}`} {
		if looks, err := caddymodule.Looks([]byte(config)); err != nil || len(looks) != 0 {
			t.Errorf("%s: %+v (%v)", name, looks, err)
		}
	}
	if _, err := caddymodule.Looks([]byte("[")); err == nil {
		t.Error("no error for what is no JSON")
	}
	looks, err := caddymodule.Looks([]byte(`{"apps":{"http":{"routes":[{"handle":[{"handler":"wechat_auth","brand":7}]},{"handle":[{"handler":"wechat_auth"}]}]}}}`))
	if err != nil || len(looks) != 2 || looks[0].Err == nil || looks[1].Err != nil || looks[1].Name != "site 2" {
		t.Errorf("%+v (%v)", looks, err)
	}
}

func adapt(t *testing.T, caddyfile string) []byte {
	t.Helper()
	adapted, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(caddyfile), map[string]any{"filename": "Caddyfile"})
	if err != nil {
		t.Fatal(err)
	}
	return adapted
}
