package wechattest

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"strings"
)

// Why a reply is refused.
var (
	errNoReply        = errors.New("the answer is neither success, nor empty, nor a message in XML or JSON")
	errBroken         = errors.New("the message is not well-formed")
	errClear          = errors.New("the message is not encrypted, and the account is in safe mode")
	errReplySignature = errors.New("MsgSignature does not fit")
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

// judge checks an answer with status 200. It accepts success, an empty answer,
// and a well-formed reply, which it returns; after any other answer the push is
// sent again ("该公众号提供的服务出现故障", wechat-protocol F4). In safe mode a reply must
// be encrypted; success and an empty answer need not be.
func (a Account) judge(answer []byte) (reply string, refused error) {
	if isAck(answer) {
		return "", nil
	}
	if err := wellFormed(answer); err != nil {
		return "", err
	}
	var v encryptedReply
	if answer[0] == '{' {
		if json.Unmarshal(answer, &v) != nil {
			return "", errBroken
		}
	} else {
		var x encryptedXML
		if xml.Unmarshal(answer, &x) != nil { //nolint:gosec // bounded; Go's decoder expands no entities
			return "", errBroken
		}
		v = encryptedReply{x.Encrypt, x.MsgSignature, json.Number(x.TimeStamp), x.Nonce}
	}
	switch {
	case v.Encrypt != "":
		return a.opened(v)
	case a.Push.Mode == PushSafe:
		return "", errClear
	default:
		return string(answer), nil
	}
}

// opened checks and decrypts a reply.
func (a Account) opened(v encryptedReply) (string, error) {
	if !same(v.MsgSignature, signPush(a.Push.Token, v.TimeStamp.String(), v.Nonce, v.Encrypt)) {
		return "", errReplySignature
	}
	clear, err := openPush(a.Push.AESKey, a.AppID, v.Encrypt)
	switch {
	case err != nil:
		return "", err
	case isAck(clear):
		return "", nil
	}
	if err := wellFormed(clear); err != nil {
		return "", err
	}
	return string(clear), nil
}

// isAck reports whether an answer accepts the push without a reply.
func isAck(answer []byte) bool { return len(answer) == 0 || string(answer) == "success" }

// wellFormed refuses a message that is not one JSON object or one <xml> element
// from its first byte on.
func wellFormed(message []byte) error {
	switch {
	case bytes.HasPrefix(message, []byte("{")):
		if !json.Valid(message) {
			return errBroken
		}
		return nil
	case bytes.HasPrefix(message, []byte("<xml>")):
		return oneElement(message)
	}
	return errNoReply
}

// oneElement refuses malformed XML and text after the root element.
func oneElement(message []byte) error {
	decoder := xml.NewDecoder(bytes.NewReader(message)) //nolint:gosec // as above
	elements, depth := 0, 0
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return errBroken
		}
		switch token := token.(type) {
		case xml.StartElement:
			if depth == 0 {
				elements++
			}
			depth++
		case xml.EndElement:
			depth--
		case xml.CharData:
			if depth == 0 && strings.TrimSpace(string(token)) != "" {
				return errBroken
			}
		}
		if elements > 1 {
			return errBroken
		}
	}
}
