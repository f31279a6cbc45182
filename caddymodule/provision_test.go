package caddymodule_test

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
)

// What the JSON configuration may say beyond what the Caddyfile lets through:
// each mistake is one sentence that names the field.
func TestProvisionRefuses(t *testing.T) {
	t.Setenv("XDG_DATA_HOME", t.TempDir())
	t.Setenv("SECRET", "s3cret")
	t.Setenv("SUFFIX", "*.env")
	t.Setenv("BLANK", " ")
	const account = `"official_accounts":[{"app_id":"wx1234567890abcdef","app_secret":"{env.SECRET}"}]`
	qr := func(file string) string { return strings.Replace(account, `"}]`, `","qr":"`+file+`"}]`, 1) }
	for name, test := range map[string]struct{ app, handler, want string }{
		"unset variable":      {`"official_accounts":[{"app_id":"wx1234567890abcdef","app_secret":"{env.NOT_THERE}"}]`, ``, "app_secret"},
		"missing file":        {`"official_accounts":[{"app_id":"wx1234567890abcdef","app_secret":"{file./not/there}"}]`, ``, "app_secret"},
		"no account":          {``, ``, "no account"},
		"odd app id":          {`"official_accounts":[{"app_id":"wx 1","app_secret":"{env.SECRET}"}]`, ``, "official_account default: app_id: 'wx 1' is not an app id"},
		"odd name":            {`"official_accounts":[{"name":"a b","app_id":"wx1234567890abcdef","app_secret":"{env.SECRET}"}]`, ``, "the name may have"},
		"same app id twice":   {`"official_accounts":[{"name":"a","app_id":"wx1234567890abcdef","app_secret":"{env.SECRET}"},{"name":"b","app_id":"wx1234567890abcdef","app_secret":"{env.SECRET}"}]`, ``, "belongs to another account"},
		"same name twice":     {`"official_accounts":[{"app_id":"wx1234567890abcdef","app_secret":"{env.SECRET}"},{"app_id":"wx2234567890abcdef","app_secret":"{env.SECRET}"}]`, ``, "two accounts of this name"},
		"verify file":         {`"official_accounts":[{"app_id":"wx1234567890abcdef","app_secret":"{env.SECRET}","verify_files":[{"name":"../x","content":"y"}]}]`, ``, "verify_file"},
		"open_url":            {account + `,"open_url":"ftp://x"`, ``, "open_url"},
		"api_url":             {account + `,"api_url":"https://user:pass@x"`, ``, "api_url"},
		"unknown field":       {account + `,"mini_apps":[]`, ``, "mini_apps"},
		"unknown store":       {account + `,"store":{"store":"memory"}`, ``, "memory"},
		"short key":           {account + `,"session":{"keys":["short"]}`, ``, "at least 32 bytes"},
		"idle too short":      {account + `,"session":{"idle":"1s"}`, ``, "idle must be at least"},
		"lifetime < idle":     {account + `,"session":{"idle":"10d","lifetime":"5d"}`, ``, "must not be shorter than idle"},
		"lifetime too long":   {account + `,"session":{"lifetime":"500d"}`, ``, "at most 400 days"},
		"account of a site":   {account, `"account":"other"`, `no official account named "other"`},
		"deny, unset":         {account + `,"deny":["{env.NOT_THERE}"]`, ``, "deny: "},
		"deny, empty":         {account + `,"deny":["{env.BLANK}"]`, ``, "deny: a value ({env.BLANK}) is empty"},
		"deny, no id":         {account + `,"deny":[""]`, ``, "deny: a value is empty"},
		"deny, odd id":        {account + `,"deny":["{env.SECRET}"]`, ``, `deny ({env.SECRET}): a value is not an openid`},
		"allow, unset":        {account, `"allow":["{env.NOT_THERE}"]`, "allow: "},
		"allow, empty":        {account, `"allow":["{env.BLANK}"]`, "allow: a value ({env.BLANK}) is empty"},
		"allow, odd id":       {account, `"allow":["*"]`, `allow: "*" is not an openid`},
		"followers and pass":  {account, `"allow_followers":true,"outside_wechat":"pass"`, "allow contradicts outside_wechat pass"},
		"followers of a mini": {account + `,"mini_programs":[{"name":"mini","app_id":"wx2222222222222222","app_secret":"{env.SECRET}"}]`, `"account":"mini","allow_followers":true`, "there is no official account named \"mini\""},
		"allow and pass":      {account, `"allow":["oHrIana2zUfvH1Xj__fuPoz_LPsp"],"outside_wechat":"pass"`, "allow contradicts outside_wechat pass"},
		"origin":              {account, `"origin":"https://x/path"`, "is not an origin"},
		"scope":               {account, `"scope":"snsapi_privateinfo"`, "is not one of"},
		"assertion lifetime":  {account, `"assertion":{"lifetime":"1m"}`, "assertion: lifetime: 1m0s is not a duration from 2m to 1h"},
		"assertion algorithm": {account, `"assertion":{"algorithm":"none"}`, `assertion: algorithm: "none" is not one of`},
		"assertion audience":  {account, `"assertion":{"audience":"{env.NOT_THERE}"}`, "assertion: audience: "},
		"assertion blank":     {account, `"assertion":{"audience":"a b"}`, `assertion: audience: "a b" is not a text`},
		"decline too short":   {account, `"without_consent":"allow","decline_holds":"30s"`, "decline_holds: 30s is not a duration from 1m to 400d"},
		"decline below zero":  {account, `"without_consent":"allow","decline_holds":-1`, "decline_holds: -1ns is not"},
		"rule's scope":        {account, `"scopes":[{"paths":["/x"]}]`, "needs"},
		"rule's path":         {account, `"public":{"paths":["x"]}`, "must begin with"},
		"empty rule":          {account, `"optional":{}`, "no paths are given"},
		"public suffix":       {account, `"public":{"paths":["/a","*.css"]}`, "public *.css opens scripts too (/admin.php/x.css): write a folder before it, such as /static/*.css"},
		"optional suffix":     {account, `"optional":{"paths":["*.css"]}`, "optional *.css opens scripts too"},
		"suffix and star":     {account, `"public":{"paths":["/*/*.css"]}`, "public /*/*.css opens scripts too (/admin.php/x.css): write a folder before it, such as /static/*.css"},
		"path matcher":        {account, `"public":{"match":[{"method":["GET"]},{"path":["/a","*.CSS"]}]}`, `public: the matcher "path *.CSS" opens scripts too`},
		"substring matcher":   {account, `"optional":{"match":[{"path":["*/img/*"]}]}`, "opens scripts too (/admin.php/x/img/x)"},
		"variable matcher":    {account, `"public":{"match":[{"path":["{env.SUFFIX}"]}]}`, `"path *.env" opens`},
		"not matcher":         {account, `"public":{"match":[{"not":[{"method":["GET"]},{"not":[{"path":["*.css"]}]}]}]}`, `"not not path *.css" opens scripts too`},
		"expression":          {account, `"public":{"match":[{"expression":"path('/a', '*.css') || method('GET')"}]}`, `"path *.css" opens scripts too`},
		"named expression":    {account, `"public":{"match":[{"expression":{"expr":"path(\"*.css\")","name":"x"}}]}`, `"path *.css" opens scripts too`},
		"field":               {account, `"headers":{"telephone":"on"}`, "no field"},
		"header":              {account, `"headers":{"openid":"Cookie"}`, "another meaning"},
		"no such folder":      {account, `"pages":"/not/there"`, "/not/there"},
		"a folder of files":   {account, `"pages":"."`, "no such part"},
		"colour":              {account + `,"brand":{"color":"#fff}*{}"}`, ``, "brand: color: "},
		"colour of a site":    {account, `"brand":{"color":"#12345"}`, `brand: color: it is not a colour like "#07c160" or "#0c6"`},
		"name":                {account + `,"brand":{"name":"{site}"}`, ``, "brand: name: "},
		"privacy":             {account, `"brand":{"privacy":"ftp://x/"}`, "brand: privacy: it is not an address like"},
		"no such logo":        {account, `"brand":{"logo":"/not/there.png"}`, "brand: logo: stat /not/there.png: no such file"},
		"logo is a folder":    {account, `"brand":{"logo":"testdata"}`, "brand: logo: testdata: it is not a file"},
		"logo is a device":    {account, `"brand":{"logo":"/dev/zero"}`, "brand: logo: /dev/zero: it is not a file"},
		"logo is empty":       {account, `"brand":{"logo":"testdata/empty.png"}`, "brand: logo: testdata/empty.png: the file is empty"},
		"logo is text":        {account, `"brand":{"logo":"provision_test.go"}`, "brand: logo: provision_test.go: the file is not PNG, JPEG, WebP or SVG"},
		"logo is not there":   {account, `"brand":{"logo":"{env.NOT_THERE}"}`, "brand: logo: "},
		"no such QR code":     {qr("/not/there.png"), ``, "official_account default: qr: stat /not/there.png: no such file"},
		"QR code is a device": {qr("/dev/zero"), ``, "qr: /dev/zero: it is not a file"},
		"QR code is empty":    {qr("testdata/empty.png"), ``, "qr: testdata/empty.png: the file is empty"},
		"QR code is text":     {qr("provision_test.go"), ``, "qr: provision_test.go: the file is not PNG, JPEG, WebP or SVG"},
		"QR code of a mini":   {account + `,"mini_programs":[{"app_id":"wx2222222222222222","app_secret":"s3cret","qr":"x"}]`, ``, "mini_program mini_program: qr: only an official account has followers"},
		"two of one name":     {account, `"headers":{"openid":"X-Wechat-User"}`, "already carries"},
	} {
		t.Run(name, func(t *testing.T) {
			err := validate(t, test.app, test.handler)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want one with %q", err, test.want)
			}
			if err != nil && strings.Contains(err.Error(), "s3cret") {
				t.Errorf("the error shows the secret: %v", err)
			}
		})
	}
	if err := validate(t, account, `"scope":"snsapi_base"`); err != nil {
		t.Errorf("the good one: %v", err)
	}
	if err := validate(t, account, `"public":{"paths":["*"],"match":[{"path":["*"]},{"path":["/theme/*.css"]},{"not":[{"path":["/admin*"]}]}]},"scopes":[{"scope":"snsapi_userinfo","paths":["*.do"],"match":[{"path":["*.do"]}]},{"scope":"snsapi_base","paths":["*.txt"]}]`); err != nil {
		t.Errorf("suffixes that open no script: %v", err)
	}
	if left, _ := filepath.Glob(filepath.Join(caddy.AppDataDir(), "wechat", "*")); len(left) > 0 {
		t.Errorf("validating opened %v", left)
	}
}

func TestHandlerNeedsTheApp(t *testing.T) {
	t.Setenv("XDG_DATA_HOME", t.TempDir())
	err := validateJSON(t, `{"apps":{"http":{"servers":{"s":{"listen":["127.0.0.1:0"],"routes":[{"handle":[{"handler":"wechat_auth"}]}]}}}}}`)
	if err == nil || !strings.Contains(err.Error(), "add a wechat { official_account") {
		t.Errorf("error %v", err)
	}
}

func validate(t *testing.T, app, handler string) error {
	t.Helper()
	if handler != "" {
		handler = "," + handler
	}
	return validateJSON(t, `{"apps":{"wechat":{`+app+`},"http":{"servers":{"s":{"listen":["127.0.0.1:0"],"routes":[{"handle":[{"handler":"wechat_auth"`+handler+`}]}]}}}}}`)
}

func validateJSON(t *testing.T, text string) error {
	t.Helper()
	var config caddy.Config
	if err := json.Unmarshal([]byte(text), &config); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return caddy.Validate(&config)
}
