package wechattest

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
)

func TestParseAccounts(t *testing.T) {
	t.Parallel()
	if got, err := ParseAccounts(nil); err != nil || len(got) != 4 || got[0].AppID != DefaultAppID || got[3].Secret != DefaultSecret {
		t.Errorf("nothing was said: %+v, %v", got, err)
	}
	got, err := ParseAccounts([]string{
		"secret=of-the-shop,domain=shop.example.com,domain=127.0.0.1:8080",
		"kind=website,secret=of-the-site,platform=",
		"kind=official_account,app_id=wx00000000000000b1,name=博客",
		"app_id=" + DefaultMiniAppID + ",secret=of-the-mini",
		"app_id=wx00000000000000b1,secret=of-the-blog",
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []Account{
		{AppID: DefaultAppID, Secret: "of-the-shop", Name: "示例商店", Platform: "open", CallbackDomains: []string{"shop.example.com", "127.0.0.1:8080"}},
		{AppID: DefaultMiniAppID, Secret: "of-the-mini", Name: "示例小程序", Platform: "open", CallbackDomains: []string{"*"}, Kind: MiniProgram},
		{AppID: DefaultMobileAppID, Secret: DefaultSecret, Name: "示例应用", Platform: "open", CallbackDomains: []string{"*"}, Kind: MobileApp},
		{AppID: DefaultWebsiteAppID, Secret: "of-the-site", Name: "示例网站", CallbackDomains: []string{"*"}, Kind: Website},
		{AppID: "wx00000000000000b1", Secret: "of-the-blog", Name: "博客", Platform: "open", CallbackDomains: []string{"*"}},
	}
	same := func(a, b Account) bool {
		domains := slices.Equal(a.CallbackDomains, b.CallbackDomains)
		a.CallbackDomains, b.CallbackDomains = nil, nil
		return domains && a.AppID == b.AppID && a.Secret == b.Secret && a.Name == b.Name && a.Platform == b.Platform && a.Kind == b.Kind
	}
	if !slices.EqualFunc(got, want, same) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// A mistake is said, without the secret.
func TestParseAccountsRefuses(t *testing.T) {
	t.Parallel()
	const secret = "5ecret-that-nobody-reads"
	for _, c := range []struct {
		name, text string
		want       error
	}{
		{"nothing", "", ErrBadText},
		{"no value", "secret", ErrBadText},
		{"only a value", secret, ErrBadText},
		{"an unknown name", "password=" + secret, ErrBadText},
		{"an unknown kind", "kind=shop,secret=" + secret, ErrBadText},
		{"an empty kind", "kind=,secret=" + secret, ErrBadText},
		{"another account's app id", "kind=website,app_id=" + DefaultMiniAppID + ",secret=" + secret, ErrBadText},
		{"no kind", "kind=,,secret=" + secret, ErrBadText},
		{"twice", "secret=a,secret=" + secret, ErrBadText},
		{"no secret", "secret=", ErrBadAccount},
		{"an app id with a blank", "app_id=wx 1,secret=" + secret, ErrBadAccount},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, err := ParseAccounts([]string{c.text})
			if !errors.Is(err, c.want) || got != nil || strings.Contains(err.Error(), secret) {
				t.Errorf("%+v, %v", got, err)
			}
		})
	}
}

// Accounts with secrets and domains of their own show what a mix-up costs:
// 40125 and 10003.
func TestServeWithAccountsOfItsOwn(t *testing.T) {
	t.Parallel()
	accounts, err := ParseAccounts([]string{"secret=of-the-shop,domain=shop.example.com", "kind=mini_program,secret=of-the-mini"})
	if err != nil {
		t.Fatal(err)
	}
	var log safeBuffer
	address, stop := started(t, Options{Listen: "127.0.0.1:0", AnyUserAgent: true, Accounts: accounts, Log: &log})
	client := &http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	for _, c := range []struct{ name, path, want string }{
		{"the default secret", "/cgi-bin/token?grant_type=client_credential&appid=" + DefaultAppID + "&secret=" + DefaultSecret, `"errcode":40125`},
		{"the mini program's secret", "/cgi-bin/token?grant_type=client_credential&appid=" + DefaultAppID + "&secret=of-the-mini", `"errcode":40125`},
		{"its own", "/cgi-bin/token?grant_type=client_credential&appid=" + DefaultAppID + "&secret=of-the-shop", `"access_token"`},
		{"a website, which was not changed", "/sns/oauth2/access_token?grant_type=authorization_code&code=x&appid=" + DefaultWebsiteAppID + "&secret=" + DefaultSecret, `"errcode":40029`},
		{"another domain", authorizeURL(DefaultAppID, "https://www.example.com/cb", scopeBase, "a"), "10003"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, err := client.Get(address + c.path)
			if err != nil {
				t.Fatal(err)
			}
			defer r.Body.Close()
			if body := text(t, r); !strings.Contains(body, c.want) {
				t.Errorf("%s: %s", r.Status, body)
			}
		})
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
	if strings.Contains(log.String(), "of-the-") {
		t.Errorf("a secret is in the log: %s", log.String())
	}
	for _, want := range []string{"callback_domain shop.example.com\n", `callback "https://www.example.com" is not covered by the callback domains of ` + DefaultAppID + `: ["shop.example.com"]`} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("no %s in the log: %s", want, log.String())
		}
	}
}
