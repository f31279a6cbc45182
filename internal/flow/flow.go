package flow

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/caddy-wechat/gateway/internal/cookies"
	"github.com/caddy-wechat/gateway/internal/request"
	"github.com/caddy-wechat/gateway/internal/wechat"
	"github.com/caddy-wechat/gateway/session"
)

const (
	// MaxAttempts is how often a dance is started anew by itself before a page
	// says what is wrong.
	MaxAttempts = 2
	// CallbackPath is where WeChat sends the visitor back to.
	CallbackPath = request.Prefix + "callback/"
)

// errNone says that a callback address holds no flow of ours.
var errNone = errors.New("flow: no such flow")

// Flow is one dance: all that must survive the way to WeChat and back. It is
// sealed into the callback address and bound to the site and the app id.
type Flow struct {
	ID       string       `json:"-"`           // random, in the address beside the sealed flow
	Target   string       `json:"-"`           // where to go in the end; behind the JSON, byte for byte
	Scope    wechat.Scope `json:"s"`           // what WeChat was asked for; a website's asks for all
	Account  string       `json:"a,omitempty"` // the website's that was asked; "" is the site's official account
	Attempt  int          `json:"n,omitempty"` // how often it was started anew
	Optional bool         `json:"o,omitempty"` // the visitor may pass without it
	Begun    int64        `json:"b"`           // Unix seconds
	Binding  []byte       `json:"c"`           // of the binding cookie's value and a secret of the browser
	Person   string       `json:"p,omitempty"` // who was signed in when it began
}

// New draws a flow for a browser, and the value of its binding cookie.
func New(target string, scope wechat.Scope, attempt int, optional bool, secret string) (Flow, string) {
	value := rand.Text()
	digest := cookies.Flow.Bind(value, secret)
	return Flow{
		ID:       rand.Text(),
		Target:   target,
		Scope:    scope,
		Attempt:  attempt,
		Optional: optional,
		Begun:    time.Now().Unix(),
		Binding:  digest[:],
	}, value
}

// Expired reports whether the visitor took too long, or the clock is off.
func (f Flow) Expired() bool {
	age := time.Since(time.Unix(f.Begun, 0))
	return age > cookies.FlowLife || age < -cookies.FlowLife
}

// BoundTo reports whether f began in the browser of r: one of its binding cookies
// and one of its secrets are those of f (attack: login CSRF, and WeChat's own
// crawlers that repeat addresses without cookies).
func (f Flow) BoundTo(r *http.Request, at cookies.Scope, secrets cookies.Secrets) bool {
	return secrets.Bound(r, at, cookies.Flow, f.Binding)
}

// Sealer seals flows for one site and one account.
type Sealer struct {
	Keys  *session.Ring
	Bound string // site and app id: a flow of another site or account does not open
}

// Path is the callback path of f, the sealed flow included.
func (s Sealer) Path(f Flow) (string, error) {
	plain, err := json.Marshal(f)
	if err != nil {
		return "", fmt.Errorf("flow: encode flow: %w", err)
	}
	// Not inside the JSON, which would lengthen & to \u0026 and spoil addresses
	// in GBK. A target holds no line break, nor does the JSON.
	plain = append(append(plain, '\n'), f.Target...)
	sealed, err := s.Keys.SealCompact(session.PurposeFlow, s.Bound+"|"+f.ID, plain)
	if err != nil {
		return "", fmt.Errorf("flow: seal flow: %w", err)
	}
	return CallbackPath + f.ID + "/" + sealed, nil
}

// Open reads the flow out of a callback path. An expired flow still opens: its
// target is good, and the visitor is sent round again.
func (s Sealer) Open(path string) (Flow, error) {
	id, sealed, ok := strings.Cut(strings.TrimPrefix(path, CallbackPath), "/")
	if !ok || len(id) == 0 || len(id) > 64 {
		return Flow{}, errNone
	}
	plain, err := s.Keys.OpenCompact(session.PurposeFlow, s.Bound+"|"+id, sealed)
	if err != nil {
		// As it was sealed before: a sign-in that was under way during the upgrade.
		plain, err = s.Keys.Open(session.PurposeFlow, s.Bound+"|"+id, sealed)
	}
	if err != nil {
		return Flow{}, fmt.Errorf("%w: %w", errNone, err)
	}
	var f Flow
	head, target, _ := bytes.Cut(plain, []byte("\n"))
	if err := json.Unmarshal(head, &f); err != nil {
		return Flow{}, fmt.Errorf("%w: %w", errNone, err)
	}
	f.ID, f.Target = id, string(target)
	// A flow we sealed holds a clean target; checked again all the same, so
	// that no bug upstream of here becomes an open redirect.
	f.Target = request.CleanTarget(f.Target)
	return f, nil
}

// State is WeChat's state parameter for a flow: 64 hexadecimal digits, derived
// from the id and authenticated, so it need not be remembered.
func (s Sealer) State(id string) string {
	return hex.EncodeToString(s.Keys.MAC(session.PurposeState, s.Bound+"|"+id))
}

// StateIs compares in constant time, with every key of the ring.
func (s Sealer) StateIs(id, state string) bool {
	mac, err := hex.DecodeString(state)
	return err == nil && s.Keys.VerifyMAC(session.PurposeState, s.Bound+"|"+id, mac)
}

// form is what Path makes: an id and a sealed flow.
var form = regexp.MustCompile(`^[A-Z0-9]{1,64}/[A-Za-z0-9_-]+$`)

// HasForm reports whether what stands behind CallbackPath can be a flow's, of any key.
func HasForm(rest string) bool { return form.MatchString(rest) }
