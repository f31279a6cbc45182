package wechattest

import (
	"encoding/json"
	"encoding/xml"
	"strings"
)

// encryptedReply is a passive reply of safe mode. Numbers may be strings.
type encryptedReply struct {
	Encrypt      string
	MsgSignature string
	TimeStamp    json.Number
	Nonce        string
}

type encryptedXML struct {
	Encrypt, MsgSignature, TimeStamp, Nonce string
}

// judge reads what a server answered with 200. It is accepted where it is
// success, nothing, or a well-formed reply, which is returned; everything else is
// tried again ("该公众号提供的服务出现故障", F4). A reply may be clear even in safe
// mode.
func (a Account) judge(answer []byte) (reply string, accepted bool) {
	text := string(answer)
	switch {
	case text == "" || text == "success":
		return "", true
	case strings.HasPrefix(text, "{"):
		var v encryptedReply
		if json.Unmarshal(answer, &v) != nil {
			return "", false
		}
		return a.opened(text, v)
	case strings.HasPrefix(text, "<xml>"):
		var v encryptedXML
		if xml.Unmarshal(answer, &v) != nil { //nolint:gosec // bounded; Go's decoder expands no entities
			return "", false
		}
		return a.opened(text, encryptedReply{v.Encrypt, v.MsgSignature, json.Number(v.TimeStamp), v.Nonce})
	}
	return "", false
}

// opened checks and decrypts a reply, if it is encrypted.
func (a Account) opened(text string, v encryptedReply) (string, bool) {
	if v.Encrypt == "" {
		return text, true
	}
	if !same(v.MsgSignature, signPush(a.Push.Token, v.TimeStamp.String(), v.Nonce, v.Encrypt)) {
		return "", false
	}
	clear, err := openPush(a.Push.AESKey, a.AppID, v.Encrypt)
	return string(clear), err == nil
}
