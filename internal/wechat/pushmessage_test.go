package wechat

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

// The bodies of vectors/events.json, with all their oddities.
func TestPushOfficialEvents(t *testing.T) {
	t.Parallel()
	var v map[string]json.RawMessage
	readJSON(t, "push_events.json", &v)
	body := func(name string) []byte {
		var e struct {
			Raw     string          `json:"raw"`
			Body    json.RawMessage `json:"body"`
			Assumed json.RawMessage `json:"body_assumed"`
		}
		if err := json.Unmarshal(v[name], &e); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		return []byte(e.Raw + string(e.Body) + string(e.Assumed))
	}
	revoke := PushMessage{
		ToUserName: "gh_870882ca4b1", FromUserName: "oaKk346BaWE-eIn4oSRWbaM9vR7s", MsgType: "event", Event: PushRevoke,
		CreateTime: time.Unix(1627359464, 0).UTC(), OpenID: "oaKk343WOktAaT2ygsX138BGblrg", AppID: "wx13974bf780d3dc89", RevokeInfo: "201",
	}
	xml, app, cancel := revoke, revoke, revoke
	xml.FromUserName, xml.CreateTime, xml.OpenID, xml.RevokeInfo = "owAqB1v0ahK_Xlc7GshIDdf2yf7E", time.Unix(1626857200, 0).UTC(), "owAqB1nqaOYYWl0Ng484G2z5NIwU", "1"
	app.RevokeInfo = "301"
	cancel.Event, cancel.UnionID, cancel.RevokeInfo = PushCancel, "UNIONID", ""
	follow := PushMessage{ToUserName: "toUser", FromUserName: "FromUser", MsgType: "event", Event: "subscribe", CreateTime: time.Unix(123456789, 0).UTC()}
	unfollow := follow
	unfollow.Event = PushUnsubscribe
	for name, want := range map[string]PushMessage{
		"service_account_xml": xml, "service_account_json_verbatim_invalid": revoke, "service_account_json_cleaned": revoke,
		"open_platform_app_json": app, "user_authorization_cancellation": cancel, "subscribe_xml": follow, "unsubscribe_xml": unfollow,
	} {
		if got, err := parsePush(body(name)); err != nil || got != want {
			t.Errorf("%s:\n%+v, %v\nwant\n%+v", name, got, err, want)
		}
	}
}

func TestPushOddities(t *testing.T) {
	t.Parallel()
	const openID = "oaKk343WOktAaT2ygsX138BGblrg"
	for name, body := range map[string]string{
		"lower case":            `{"msgtype":"event","event":"user_authorization_revoke","openid":"` + openID + `","createtime":1,"revokeinfo":"6"}`,
		"upper case":            `{"MSGTYPE":"EVENT","EVENT":"USER_AUTHORIZATION_REVOKE","OPENID":"` + openID + `","CREATETIME":"1","REVOKEINFO":6}`,
		"blanks around names":   `{" MsgType":"event","Event ":"user_authorization_revoke","` + "\t" + `OpenID":" ` + openID + ` ","CreateTime":1,"RevokeInfo":"6"}`,
		"codes in a list":       `{"MsgType":"event","Event":"user_authorization_revoke","OpenID":"` + openID + `","CreateTime":1,"RevokeInfo":[6]}`,
		"trailing commas":       `{"MsgType":"event","Event":"user_authorization_revoke","OpenID":"` + openID + `","CreateTime":1,"RevokeInfo":["6",],}`,
		"other things within":   `{"a":{"OpenID":"x"},"b":[{"Event":1}],"MsgType":"event","Event":"user_authorization_revoke","OpenID":"` + openID + `","CreateTime":1,"RevokeInfo":"6","c":null}`,
		"control bytes":         `{"MsgType":"event","Nick":"a` + "\x07\x14" + `b","Event":"user_authorization_revoke","OpenID":"` + openID + `","CreateTime":1,"RevokeInfo":"6"}`,
		"a mark in front":       "\ufeff\n" + `{"MsgType":"event","Event":"user_authorization_revoke","OpenID":"` + openID + `","CreateTime":1,"RevokeInfo":"6"}`,
		"the first one counts":  `{"OpenID":"` + openID + `","openid":"oOther","MsgType":"event","Event":"user_authorization_revoke","CreateTime":1,"RevokeInfo":"6"}`,
		"XML, any case":         `<?xml version="1.0" encoding="UTF-8"?><XML><MSGTYPE>Event</MSGTYPE><event>user_authorization_revoke</event><openid> ` + openID + ` </openid><createtime>1</createtime><RevokeInfo>6</RevokeInfo></XML>`,
		"XML, other within":     `<xml><A><OpenID>x</OpenID></A><MsgType>event</MsgType><Event>user_authorization_revoke</Event><OpenID>` + openID + `</OpenID><CreateTime>1</CreateTime><RevokeInfo>6</RevokeInfo><B/></xml>`,
		"XML, control bytes":    `<xml><Nick><![CDATA[a` + "\x07\xff" + `]]></Nick><MsgType>event</MsgType><Event>user_authorization_revoke</Event><OpenID>` + openID + `</OpenID><CreateTime>1</CreateTime><RevokeInfo>6</RevokeInfo></xml>`,
		"XML, text and CDATA":   `<xml><MsgType>ev<![CDATA[ent]]></MsgType><Event>user_authorization_revoke</Event><OpenID>` + openID + `</OpenID><CreateTime>1</CreateTime><RevokeInfo>6</RevokeInfo></xml>`,
		"XML, the first counts": `<xml><MsgType>event</MsgType><Event>user_authorization_revoke</Event><OpenID>` + openID + `</OpenID><openid>oOther</openid><CreateTime>1</CreateTime><RevokeInfo>6</RevokeInfo></xml>`,
	} {
		want := PushMessage{MsgType: "event", Event: PushRevoke, OpenID: openID, CreateTime: time.Unix(1, 0).UTC(), RevokeInfo: "6"}
		if got, err := parsePush([]byte(body)); err != nil || got != want {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

func TestPushHostileBodies(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"empty": "", "a word": "success", "a list": `[{"Event":"x"}]`, "null": "null", "half": `{"Event":"x"`, "two": `{"Event":"x"}{"Event":"y"}`,
		"half XML": "<xml><Event>x</Event>", "two roots": "<xml></xml><xml></xml>", "no root": "<!-- -->", "closed too often": "<xml></xml></xml>",
		"billion laughs":  `<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><xml><Event>&b;</Event></xml>`,
		"external entity": `<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><xml><Event>&a;</Event></xml>`,
		"unknown entity":  `<xml><Event>&a;</Event></xml>`,
		"deep XML":        "<xml>" + strings.Repeat("<a>", 300_000),
		"deep JSON":       `{"a":` + strings.Repeat("[", 900_000),
	} {
		if m, err := parsePush([]byte(body)); err == nil {
			t.Errorf("%s is read as %+v", name, m)
		}
	}
	long := strings.Repeat("o", 100_000)
	m, err := parsePush([]byte(`{"Event":"` + long + `","OpenID":"o1\r\nX-Evil: 1","FromUserName":"` + long + `","CreateTime":99999999999999,"RevokeInfo":["` + long + `"]}`))
	if err != nil || m != (PushMessage{}) {
		t.Errorf("oversized and malformed fields are not absent: %v", err)
	}
}

func TestPushRevokedCodes(t *testing.T) {
	t.Parallel()
	all := Revocation{Profile: true, Phone: true, Grant: true, Unknown: true}
	everything := Revocation{Profile: true, Phone: true, Grant: true}
	profile, phone := Revocation{Profile: true, Grant: true}, Revocation{Phone: true}
	for _, c := range []struct {
		kind AccountKind
		info string
		want Revocation
	}{
		{OfficialAccount, "205", profile},
		{OfficialAccount, "201", Revocation{}},
		{OfficialAccount, "201,205", profile},
		{OfficialAccount, "1", all}, // WeChat's own sample
		{OfficialAccount, "301", all},
		{OfficialAccount, "8", all},
		{OfficialAccount, "", all},
		{OfficialAccount, " , ", all},
		{OfficialAccount, "205,999", all},
		{OfficialAccount, strings.Repeat("201,", 33), all},
		{Website, "301", everything},
		{MobileApp, "301", everything},
		{MobileApp, "205", all},
		{MiniProgram, "6", profile},
		{MiniProgram, "8", phone},
		{MiniProgram, "6 8", Revocation{Profile: true, Phone: true, Grant: true}},
		{MiniProgram, "19", profile},
		{MiniProgram, "20", profile},
		{MiniProgram, "13", Revocation{}},
		{MiniProgram, "9", all},
		{"", "205", all},
	} {
		if got := c.kind.Revoked(c.info); got != c.want {
			t.Errorf("%s %q: %+v", c.kind, c.info, got)
		}
	}
	var v struct {
		Codes map[string]map[string]string `json:"revoke_info"`
	}
	readJSON(t, "push_events.json", &v)
	for table, kinds := range map[string][]AccountKind{
		"service_account_h5": {OfficialAccount}, "open_platform_app_or_website": {MobileApp, Website}, "mini_program": {MiniProgram},
	} {
		for _, kind := range kinds {
			for code := range v.Codes[table] {
				if kind.Revoked(code).Unknown {
					t.Errorf("%s: code %s of WeChat's table is not known", kind, code)
				}
			}
			if len(v.Codes[table]) != len(kind.traits().revokeCodes) {
				t.Errorf("%s: %d codes, WeChat has %d", kind, len(kind.traits().revokeCodes), len(v.Codes[table]))
			}
		}
	}
	if got := RevokeCodes("8;6,6, a\nb ,<script>"); got != "6,8,unknown" {
		t.Errorf("codes for others: %q", got)
	}
}
