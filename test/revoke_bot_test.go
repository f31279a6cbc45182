package test

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha1"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// bot is a message bot as people write them: it answers every text in WeChat's
// XML. It had WeChat's server URL before, and knows token and key. It has no
// code of ours.
type bot struct {
	*httptest.Server
	mu   sync.Mutex
	pace time.Duration // before each answer
	got  []botRequest
}

type botRequest struct {
	method, query, contentType, body, clear string
	signed                                  bool
}

func newBot(t *testing.T) *bot {
	t.Helper()
	b := new(bot)
	b.Server = httptest.NewServer(b)
	t.Cleanup(b.Close)
	return b
}

// take returns what came since the last take.
func (b *bot) take() []botRequest {
	b.mu.Lock()
	defer b.mu.Unlock()
	got := b.got
	b.got = nil
	return got
}

func (b *bot) setPace(pace time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.pace = pace
}

type botMessage struct {
	ToUserName, FromUserName, MsgType, Event, Content, Encrypt string
}

// ServeHTTP answers a push, in the way in which it came.
func (b *bot) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	q := r.URL.Query()
	got := botRequest{method: r.Method, query: r.URL.RawQuery, contentType: r.Header.Get("Content-Type"), body: string(body), clear: string(body)}
	got.signed = q.Get("signature") == signature(q.Get("timestamp"), q.Get("nonce"))
	var m botMessage
	if err := xml.Unmarshal(body, &m); err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	if m.Encrypt != "" {
		got.signed = got.signed && q.Get("msg_signature") == signature(q.Get("timestamp"), q.Get("nonce"), m.Encrypt)
		got.clear = unseal(m.Encrypt)
		if err := xml.Unmarshal([]byte(got.clear), &m); err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
	}
	b.mu.Lock()
	b.got = append(b.got, got)
	pace := b.pace
	b.mu.Unlock()
	time.Sleep(pace)
	if m.MsgType != "text" {
		_, _ = io.WriteString(w, "success")
		return
	}
	w.Header().Set("Content-Type", "text/xml;charset=utf-8")
	reply := botReply(m.FromUserName, m.ToUserName, m.Content)
	if q.Get("encrypt_type") == "aes" {
		sealed, now, nonce := sealReply(appID, reply), strconv.FormatInt(time.Now().Unix(), 10), "4711"
		reply = "<xml><Encrypt><![CDATA[" + sealed + "]]></Encrypt><MsgSignature><![CDATA[" + signature(now, nonce, sealed) +
			"]]></MsgSignature><TimeStamp>" + now + "</TimeStamp><Nonce><![CDATA[" + nonce + "]]></Nonce></xml>"
	}
	_, _ = io.WriteString(w, reply)
}

// botReply is what the bot says to a text.
func botReply(to, from, text string) string {
	return fmt.Sprintf("<xml>\n  <ToUserName><![CDATA[%s]]></ToUserName>\n  <FromUserName><![CDATA[%s]]></FromUserName>\n  <CreateTime>1772359200</CreateTime>\n  <MsgType><![CDATA[text]]></MsgType>\n  <Content><![CDATA[您说:%s 🌸]]></Content>\n</xml>", to, from, text)
}

// signature is WeChat's (message push guide): SHA-1 over the sorted parts.
func signature(parts ...string) string {
	parts = append([]string{pushToken}, parts...)
	slices.Sort(parts)
	sum := sha1.Sum([]byte(strings.Join(parts, "")))
	return hex.EncodeToString(sum[:])
}

// seal and unseal are WeChat's envelope: 16 random bytes, the length, the
// message, the app id, padded to 32.
func sealReply(app, message string) string {
	clear := append([]byte("0123456789abcdef"), binary.BigEndian.AppendUint32(nil, uint32(len(message)))...)
	clear = append(append(clear, message...), app...)
	pad := 32 - len(clear)%32
	clear = append(clear, slices.Repeat([]byte{byte(pad)}, pad)...)
	block, key := pushBlock()
	cipher.NewCBCEncrypter(block, key[:16]).CryptBlocks(clear, clear)
	return base64.StdEncoding.EncodeToString(clear)
}

func unseal(sealed string) string {
	clear, err := base64.StdEncoding.DecodeString(sealed)
	if err != nil || len(clear) == 0 || len(clear)%32 != 0 {
		return ""
	}
	block, key := pushBlock()
	cipher.NewCBCDecrypter(block, key[:16]).CryptBlocks(clear, clear)
	end := 20 + int(binary.BigEndian.Uint32(clear[16:20]))
	if end > len(clear) || !strings.HasPrefix(string(clear[end:]), appID) {
		return ""
	}
	return string(clear[20:end])
}

func pushBlock() (cipher.Block, []byte) {
	key, err := base64.StdEncoding.DecodeString(pushAESKey + "=")
	if err != nil {
		panic(err)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		panic(err)
	}
	return block, key
}
