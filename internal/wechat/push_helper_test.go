package wechat

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/caddy-wechat/gateway/internal/wechattest"
)

// What the tests of pushes sign and seal with.
var (
	pushTokenNow = NewSecret("tokenNow1")
	pushTokenOld = NewSecret("tokenOld1")
	pushAESNow   = NewSecret("abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG")
	pushAESOld   = NewSecret("GFEDCBA9876543210zyxwvutsrqponmlkjihgfedcba")
)

const (
	pushStamp = "1714112445"
	pushNonce = "415670741"
)

// pushFormats write a message, or an envelope, as WeChat does.
var pushFormats = map[string]func(fields ...string) string{
	"xml": func(fields ...string) string {
		var b strings.Builder
		b.WriteString("<xml>")
		for i := 0; i < len(fields); i += 2 {
			fmt.Fprintf(&b, "<%s><![CDATA[%s]]></%[1]s>\n", fields[i], fields[i+1])
		}
		return b.String() + "</xml>"
	},
	"json": func(fields ...string) string {
		var b strings.Builder
		for i := 0; i < len(fields); i += 2 {
			text, _ := json.Marshal(fields[i+1])
			fmt.Fprintf(&b, `,"%s":%s`, fields[i], text)
		}
		return "{" + strings.TrimPrefix(b.String(), ",") + "}"
	},
}

// pushRevokeFields are those of a withdrawal.
var pushRevokeFields = []string{
	"ToUserName", "gh_870882ca4b1", "FromUserName", "oPlatform", "CreateTime", "1714112445",
	"MsgType", "event", "Event", "user_authorization_revoke",
	"OpenID", "oPerson", "AppID", testAppID, "RevokeInfo", "205",
}

// sealTest seals a message for an app id.
func sealTest(t testing.TB, key Secret, appID, message string) string {
	t.Helper()
	sealed, err := wechattest.SealPush(key.Reveal(), appID, []byte(message))
	if err != nil {
		t.Fatal(err)
	}
	return sealed
}

// signTest is the query of a push; encrypt is "" in plain mode.
func signTest(token Secret, encrypt string) PushQuery {
	q := PushQuery{Timestamp: pushStamp, Nonce: pushNonce, Signature: PushSignature(token, pushStamp, pushNonce)}
	if encrypt != "" {
		q.MsgSignature = PushSignature(token, pushStamp, pushNonce, encrypt)
	}
	return q
}
