package push

import (
	"errors"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/caddy-wechat/gateway/internal/wechat"
)

const (
	// maxBody bounds a push, in bytes. WeChat's are a few KiB.
	maxBody = 1 << 20
	// readPatience is how long the body may take to arrive (attack: slow
	// senders).
	readPatience = 4 * time.Second
	// stepPatience is how long an answer waits for the ledger, relayPatience
	// how long it waits for the relay. Both begin when the push arrives. WeChat
	// waits 5 s.
	stepPatience  = 3 * time.Second
	relayPatience = 4500 * time.Millisecond
)

// verify answers WeChat's check of the server URL.
func (h *Handler) verify(w http.ResponseWriter, r *http.Request, a *Account) {
	q, err := wechat.ParsePushQuery(r.URL.RawQuery)
	if err == nil {
		// A check has no msg_signature: ignore it.
		q.MsgSignature = ""
		err = a.Keys.CheckQuery(q)
	}
	echo, ok := q.Echo()
	switch {
	case err != nil || !ok:
		a.counts().Refused.Add(1)
		h.warnUnsigned(a, q, err)
	case !h.fresh(q, a):
	default:
		a.counts().Verified.Add(1)
		a.counts().LastVerified.Store(time.Now().Unix())
		h.Logger.Info("WeChat checked the server URL", slog.String("account", a.Name))
		answer(w, "text/plain; charset=utf-8", []byte(echo))
		return
	}
	w.WriteHeader(http.StatusForbidden)
}

// fresh reports whether a signed query is within the replay window. It counts
// queries that are not.
func (h *Handler) fresh(q wechat.PushQuery, a *Account) bool {
	at, ok := q.Time()
	if age := time.Since(at); ok && age.Abs() <= replayWindow {
		return true
	}
	a.counts().Stale.Add(1)
	h.warn(a, "push refused: its timestamp is more than ten minutes away from this machine's clock", nil)
	return false
}

// receive answers a push.
func (h *Handler) receive(w http.ResponseWriter, r *http.Request, a *Account) {
	arrived := time.Now()
	q, err := wechat.ParsePushQuery(r.URL.RawQuery)
	if err == nil {
		err = a.Keys.CheckQuery(q)
	}
	var body []byte
	if err == nil {
		body, err = readBody(w, r)
	}
	var m wechat.PushMessage
	if err == nil {
		m, err = a.Keys.Open(q, body)
	}
	switch {
	case errors.Is(err, wechat.ErrPushFormat):
		a.counts().Unread.Add(1)
		h.warn(a, "push is signed but cannot be parsed", nil)
	case err != nil:
		h.refuse(w, a, q, err)
		return
	}
	if !h.fresh(q, a) {
		w.WriteHeader(http.StatusForbidden)
		return
	}
	signed, _ := q.Time()
	step, status := h.begin(a, &m, signed, arrived)
	if status != http.StatusOK {
		w.WriteHeader(status)
		return
	}
	a.counts().Received.Add(1)
	a.counts().LastReceived.Store(arrived.Unix())
	contentType, text := "text/plain; charset=utf-8", []byte("success")
	if a.relays(&m) {
		if given, ok := h.relay.ask(r, a, body, arrived.Add(relayPatience)); ok {
			contentType, text = given.contentType, given.body
		} else {
			h.warn(a, "push_relay did not answer 200 in time; WeChat was answered success", nil)
		}
	}
	if err := h.await(a, step, arrived.Add(stepPatience)); err != nil {
		// Attack: WeChat is answered success, the gateway ends before the
		// ledger is back, and WeChat does not send the push again.
		a.counts().Unkept.Add(1)
		h.warn(a, "push not accepted: neither the ledger nor the journal can be written", err)
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	answer(w, contentType, text)
}

// begin begins the step of a push that this package handles; nil for other
// pushes. The status is not 200 if WeChat must send the push again.
func (h *Handler) begin(a *Account, m *wechat.PushMessage, signed, now time.Time) (*step, int) {
	switch {
	case !a.ours(m):
		h.Logger.Debug("push is not handled by the gateway", slog.String("account", a.Name), slog.Bool("relayed", a.relays(m)))
		return nil, http.StatusOK
	case withoutPerson(m):
		a.counts().NoPerson.Add(1)
		h.Logger.Info("push contains no openid or unionid", slog.String("account", a.Name), slog.String("event", m.Event))
		return nil, http.StatusOK
	}
	s := h.accept(h.event(a, m, signed, now), false)
	if s == nil {
		a.counts().Full.Add(1)
		h.warn(a, "push not accepted: too many pushes wait for the ledger", nil)
		return nil, http.StatusServiceUnavailable
	}
	return s, http.StatusOK
}

// refuse answers a push that was not accepted.
func (h *Handler) refuse(w http.ResponseWriter, a *Account, q wechat.PushQuery, err error) {
	a.counts().Refused.Add(1)
	var tooLarge *http.MaxBytesError
	status := http.StatusForbidden
	switch {
	case errors.As(err, &tooLarge):
		status = http.StatusRequestEntityTooLarge
	case errors.Is(err, errBody):
		status = http.StatusBadRequest
	case errors.Is(err, wechat.ErrPushSignature):
		h.warnUnsigned(a, q, err)
	default:
		h.warn(a, "push refused", err)
	}
	w.WriteHeader(status)
}

// warnUnsigned logs a wrong signature, because WeChat's console says only that
// its check failed. It ignores a request without a signature, which any client
// can send.
func (h *Handler) warnUnsigned(a *Account, q wechat.PushQuery, err error) {
	switch {
	case !errors.Is(err, wechat.ErrPushSignature), q.Signature == "" && q.MsgSignature == "":
	case q.Signature != "" && a.Keys.CheckQuery(q) == nil:
		h.warn(a, "push refused: its query is signed, but its body was changed", nil)
	default:
		h.warn(a, "push refused: wrong signature; if it is WeChat's, push_token is not the token in WeChat's console (服务器配置)", nil)
	}
}

// errBody reports a body that did not arrive.
var errBody = errors.New("push: the body did not arrive")

// timeBody bounds the time in which a body arrives, even if it is not read: the
// server reads the rest before it answers, for unsigned pushes too (attack:
// slow senders without a signature hold a connection each).
func timeBody(w http.ResponseWriter, r *http.Request) {
	if r.ContentLength != 0 {
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(readPatience)) // if it is not supported, the server's own deadline applies
	}
}

// readBody reads a body of at most maxBody bytes.
func readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err == nil {
		_ = http.NewResponseController(w).SetReadDeadline(time.Time{})
		return body, nil
	}
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return nil, err
	}
	return nil, errBody
}

// answer writes a 200.
func answer(w http.ResponseWriter, contentType string, text []byte) {
	w.Header().Set("Content-Type", contentType)
	_, _ = w.Write(text)
}
