package wechat

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
)

// officialPush is vectors/message_push_official.json.
type officialPush struct {
	URL struct {
		Token     string `json:"token"`
		Signature string `json:"signature"`
		Timestamp string `json:"timestamp"`
		Nonce     string `json:"nonce"`
		EchoStr   string `json:"echostr"`
		URL       string `json:"url"`
		Expected  string `json:"expected_response_body"`
	} `json:"url_verification_GET"`
	Plain struct {
		Token     string `json:"token"`
		Signature string `json:"signature"`
		Timestamp string `json:"timestamp"`
		Nonce     string `json:"nonce"`
		Body      string `json:"body"`
	} `json:"plain_POST"`
	Safe struct {
		Token string            `json:"token"`
		Key   string            `json:"encoding_aes_key"`
		AppID string            `json:"appid"`
		Query map[string]string `json:"query"`
		Body  map[string]string `json:"body"`
	} `json:"safe_mode_POST"`
	Reply struct {
		Encrypt   string `json:"encrypt"`
		Timestamp string `json:"timestamp"`
		Nonce     string `json:"nonce"`
		Signature string `json:"msg_signature"`
	} `json:"encrypted_reply"`
}

func TestPushOfficialVectors(t *testing.T) {
	t.Parallel()
	var v officialPush
	readJSON(t, "push_official.json", &v)

	_, raw, _ := strings.Cut(v.URL.URL, "?")
	q, err := ParsePushQuery(raw)
	keys := &PushKeys{Tokens: []Secret{NewSecret(v.URL.Token)}, AppID: v.Safe.AppID}
	if echo, ok := q.Echo(); err != nil || keys.CheckQuery(q) != nil || !ok || echo != v.URL.Expected {
		t.Errorf("URL check: %v, %q", err, q.EchoStr)
	}

	q = PushQuery{Signature: v.Plain.Signature, Timestamp: v.Plain.Timestamp, Nonce: v.Plain.Nonce}
	m, err := keys.Open(q, []byte(v.Plain.Body))
	if err != nil || m.Event != "debug_demo" || m.CreateTime.Unix() != 1714037059 {
		t.Errorf("plain: %+v, %v", m, err)
	}

	key := NewSecret(v.Safe.Key)
	keys.AESKeys = []Secret{key}
	q = PushQuery{Signature: v.Safe.Query["signature"], MsgSignature: v.Safe.Query["msg_signature"], Timestamp: v.Safe.Query["timestamp"], Nonce: v.Safe.Query["nonce"]}
	body, err := json.Marshal(v.Safe.Body)
	if err != nil {
		t.Fatal(err)
	}
	m, err = keys.Open(q, body)
	if err != nil || m.Event != "debug_demo" || m.FromUserName != "o9AgO5Kd5ggOC-bXrbNODIiE3bGY" || m.CreateTime.Unix() != 1714112445 {
		t.Errorf("safe: %+v, %v", m, err)
	}
	if got := PushSignature(NewSecret(v.Safe.Token), v.Reply.Timestamp, v.Reply.Nonce, v.Reply.Encrypt); got != v.Reply.Signature {
		t.Errorf("the reply's signature is %s", got)
	}
}

// Every mode, format, token and key that is to be read, and what each is
// refused for.
func TestPushModes(t *testing.T) {
	t.Parallel()
	stranger, strangersKey := NewSecret("stranger1"), NewSecret("0000000000000000000000000000000000000000000")
	tokens := map[string]Secret{"now": pushTokenNow, "previous": pushTokenOld, "stranger": stranger}
	aesKeys := map[string]Secret{"now": pushAESNow, "previous": pushAESOld, "stranger": strangersKey}
	open := &PushKeys{Tokens: []Secret{pushTokenNow, pushTokenOld}, AppID: testAppID}
	sealed := &PushKeys{Tokens: open.Tokens, AESKeys: []Secret{pushAESNow, pushAESOld}, AppID: testAppID}
	clearFields := slices.Concat(pushRevokeFields[:10], []string{"OpenID", "oSomebodyElse"}, pushRevokeFields[12:])
	for format, write := range pushFormats {
		for tokenName, token := range tokens {
			check := func(name string, keys *PushKeys, q PushQuery, body string, want error) {
				t.Helper()
				if tokenName == "stranger" {
					want = ErrPushSignature
				}
				m, err := keys.Open(q, []byte(body))
				if !errors.Is(err, want) || (err == nil) != (want == nil) {
					t.Errorf("%s, %s, token %s: %v, want %v", name, format, tokenName, err, want)
				}
				if err == nil && (m.Person() != "oPerson" || !m.AboutAccount() || m.RevokeInfo != "205") || err != nil && m != (PushMessage{}) {
					t.Errorf("%s, %s, token %s: read %+v", name, format, tokenName, m)
				}
			}
			message := write(pushRevokeFields...)
			check("plain", open, signTest(token, ""), message, nil)
			check("plain though there are keys", sealed, signTest(token, ""), message, errPushPlain)
			for keyName, key := range aesKeys {
				var wrongKey error
				if keyName == "stranger" {
					wrongKey = errPushEnvelope
				}
				encrypt := sealTest(t, key, testAppID, message)
				q := signTest(token, encrypt)
				safe := write("ToUserName", "gh_1", "Encrypt", encrypt)
				compatible := write(append(slices.Clone(clearFields), "Encrypt", encrypt)...)
				check("safe, key "+keyName, sealed, q, safe, wrongKey)
				check("compatible, key "+keyName, sealed, q, compatible, wrongKey)
				check("safe without any key", open, q, safe, errPushSealed)
				check("compatible without any key", open, q, write(append(slices.Clone(pushRevokeFields), "Encrypt", encrypt)...), nil)
				foreign := sealTest(t, key, "wxother", message)
				q = signTest(token, foreign)
				want := errPushAppID
				if wrongKey != nil {
					want = errPushEnvelope
				}
				check("another app's envelope", sealed, q, write("Encrypt", foreign), want)
			}
		}
	}
}

// Attack: everything a stranger can do to a push that was seen once.
func TestPushTamperedHasNoEffect(t *testing.T) {
	t.Parallel()
	keys := &PushKeys{Tokens: []Secret{pushTokenNow}, AESKeys: []Secret{pushAESNow}, AppID: testAppID}
	write := pushFormats["json"]
	encrypt := sealTest(t, pushAESNow, testAppID, write(pushRevokeFields...))
	other := sealTest(t, pushAESNow, testAppID, write("Event", PushCancel, "OpenID", "oVictim"))
	good, body := signTest(pushTokenNow, encrypt), write("Encrypt", encrypt)
	if _, err := keys.Open(good, []byte(body)); err != nil {
		t.Fatal(err)
	}
	changed := func(f func(q *PushQuery)) PushQuery { q := good; f(&q); return q }
	for name, c := range map[string]struct {
		query PushQuery
		body  string
	}{
		"another envelope":             {good, write("Encrypt", other)},
		"another timestamp":            {changed(func(q *PushQuery) { q.Timestamp = "1714112446" }), body},
		"another nonce":                {changed(func(q *PushQuery) { q.Nonce += "1" }), body},
		"timestamp and nonce shifted":  {changed(func(q *PushQuery) { q.Timestamp += "4"; q.Nonce = q.Nonce[1:] }), body},
		"no msg_signature":             {changed(func(q *PushQuery) { q.MsgSignature = "" }), body},
		"signature as msg_signature":   {changed(func(q *PushQuery) { q.MsgSignature = q.Signature }), body},
		"wrong signature, right other": {changed(func(q *PushQuery) { q.Signature = q.MsgSignature }), body},
		"no signature at all":          {PushQuery{Timestamp: pushStamp, Nonce: pushNonce}, body},
		"nothing":                      {PushQuery{}, ""},
		"upper case":                   {changed(func(q *PushQuery) { q.MsgSignature = "046E02F8204D34F8BA5FA3B1DB94908F3DF2E9B3" }), body},
		"cut short":                    {good, write("Encrypt", encrypt[:len(encrypt)-4])},
		"no JSON":                      {good, body[:len(body)-2]},
	} {
		if m, err := keys.Open(c.query, []byte(c.body)); !errors.Is(err, ErrPushSignature) {
			t.Errorf("%s: %v, %+v", name, err, m)
		}
	}
	if _, err := keys.Open(changed(func(q *PushQuery) { q.Signature = "" }), []byte(body)); err != nil {
		t.Errorf("msg_signature alone proves a push in safe mode: %v", err)
	}
}

// Attack: with an empty token anybody can sign.
func TestPushEmptyTokenSignsNothing(t *testing.T) {
	t.Parallel()
	for _, tokens := range [][]Secret{nil, {{}}, {NewSecret("")}} {
		keys := &PushKeys{Tokens: tokens, AppID: testAppID}
		if err := keys.CheckQuery(signTest(Secret{}, "")); !errors.Is(err, ErrPushSignature) {
			t.Errorf("%d tokens: %v", len(tokens), err)
		}
	}
	for _, key := range []string{"", "short", pushAESNow.Reveal() + "A", "!bcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"} {
		if _, err := decodeAESKey(NewSecret(key)); !errors.Is(err, errPushKeys) || len(key) > 0 && strings.Contains(err.Error(), key) {
			t.Errorf("key %q: %v, want %v", key, err, errPushKeys)
		}
	}
}

// The same token twice is one token (while rotating somebody forgets to change
// it).
func TestPushSameTokenTwice(t *testing.T) {
	t.Parallel()
	keys := &PushKeys{Tokens: []Secret{pushTokenNow, pushTokenNow}, AppID: testAppID}
	if err := keys.CheckQuery(signTest(pushTokenNow, "")); err != nil {
		t.Error(err)
	}
}

// The app id within the event must be ours too, in those about an account.
func TestPushEventOfAnotherAppID(t *testing.T) {
	t.Parallel()
	keys := &PushKeys{Tokens: []Secret{pushTokenNow}, AppID: testAppID}
	for format, write := range pushFormats {
		q := signTest(pushTokenNow, "")
		if _, err := keys.Open(q, []byte(write("MsgType", "event", "Event", PushRevoke, "OpenID", "o1", "appid", "wxother"))); !errors.Is(err, errPushAppID) {
			t.Errorf("%s: %v", format, err)
		}
		// Elsewhere the name has other meanings, and the relay wants them.
		if _, err := keys.Open(q, []byte(write("MsgType", "event", "Event", "other", "appid", "wxother"))); err != nil {
			t.Errorf("%s: %v", format, err)
		}
	}
}
