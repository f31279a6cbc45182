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
	// MaxAttempts is how often the gate restarts a dance before a page says
	// what is wrong.
	MaxAttempts = 2
	// CallbackPath is where WeChat sends the visitor back to.
	CallbackPath = request.Prefix + "callback/"
)

// errNone reports a callback address without a flow of this site.
var errNone = errors.New("flow: no such flow")

// Flow is the state of one dance. It is sealed into the callback address and
// bound to the site and the app id.
type Flow struct {
	ID       string       `json:"-"`           // random, in the address beside the sealed flow
	Target   string       `json:"-"`           // the final address; follows the JSON, byte for byte
	Scope    wechat.Scope `json:"s"`           // the scope that WeChat was asked for; a website account asks for everything
	Account  string       `json:"a,omitempty"` // the name of the website account; "" is the site's official account
	Attempt  int          `json:"n,omitempty"` // how often it was restarted
	Optional bool         `json:"o,omitempty"` // the visitor may pass without an identity
	Begun    int64        `json:"b"`           // Unix seconds
	Binding  []byte       `json:"c"`           // digest of the binding cookie's value and a secret of the browser
	Person   string       `json:"p,omitempty"` // the person who was signed in when it began
	First    string       `json:"f,omitempty"` // the name of the flow that was restarted; see Name
}

// nameLength is the length of a flow's name, in bytes.
const nameLength = 8

// Name returns the name of the sign-in in the log and on pages: the beginning
// of the id of its first flow. A restarted sign-in keeps its name, so that all
// its lines are found by it. The name opens nothing. It is "" for a flow
// without an id.
func (f Flow) Name() string {
	if f.First != "" {
		return f.First
	}
	return f.ID[:min(len(f.ID), nameLength)]
}

// New returns a new flow for a browser, and the value of its binding cookie.
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

// Expired reports whether the visitor took too long, or a clock is wrong.
func (f Flow) Expired() bool {
	age := time.Since(time.Unix(f.Begun, 0))
	return age > cookies.FlowLife || age < -cookies.FlowLife
}

// BoundTo reports whether f began in the browser of r: one of its binding
// cookies and one of its secrets match f (attack: login CSRF, and WeChat's own
// crawlers that repeat addresses without cookies).
func (f Flow) BoundTo(r *http.Request, at cookies.Scope, secrets cookies.Secrets) bool {
	return secrets.Bound(r, at, cookies.Flow, f.Binding)
}

// Sealer seals flows for one site and one account.
type Sealer struct {
	Keys  *session.Ring
	Bound string // site and app id: flows of another site or account do not open
}

// Path returns the callback path of f, which contains the sealed flow.
func (s Sealer) Path(f Flow) (string, error) {
	plain, err := json.Marshal(f)
	if err != nil {
		return "", fmt.Errorf("flow: encode flow: %w", err)
	}
	// The target is not inside the JSON, which would lengthen & to \u0026 and
	// damage addresses in GBK. Neither the target nor the JSON contains a line
	// break.
	plain = append(append(plain, '\n'), f.Target...)
	sealed, err := s.Keys.SealCompact(session.PurposeFlow, s.Bound+"|"+f.ID, plain)
	if err != nil {
		return "", fmt.Errorf("flow: seal flow: %w", err)
	}
	return CallbackPath + f.ID + "/" + sealed, nil
}

// Open reads the flow from a callback path. An expired flow still opens: its
// target is valid, and the sign-in is restarted.
func (s Sealer) Open(path string) (Flow, error) {
	id, sealed, ok := strings.Cut(strings.TrimPrefix(path, CallbackPath), "/")
	if !ok || len(id) == 0 || len(id) > 64 {
		return Flow{}, errNone
	}
	plain, err := s.Keys.OpenCompact(session.PurposeFlow, s.Bound+"|"+id, sealed)
	if err != nil {
		// The former way of sealing, for a sign-in that began before the
		// upgrade.
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
	// The target was clean when the flow was sealed. It is checked again, so
	// that a bug elsewhere does not become an open redirect.
	f.Target = request.CleanTarget(f.Target)
	return f, nil
}

// State returns WeChat's state parameter for a flow: 64 hexadecimal digits,
// derived from the id and authenticated, so that nothing has to be stored.
func (s Sealer) State(id string) string {
	return hex.EncodeToString(s.Keys.MAC(session.PurposeState, s.Bound+"|"+id))
}

// StateIs compares in constant time, with every key of the ring.
func (s Sealer) StateIs(id, state string) bool {
	mac, err := hex.DecodeString(state)
	return err == nil && s.Keys.VerifyMAC(session.PurposeState, s.Bound+"|"+id, mac)
}

// form matches what Path makes: an id and a sealed flow.
var form = regexp.MustCompile(`^[A-Z0-9]{1,64}/[A-Za-z0-9_-]+$`)

// HasForm reports whether rest, the part after CallbackPath, looks like a flow
// sealed by any key.
func HasForm(rest string) bool { return form.MatchString(rest) }
