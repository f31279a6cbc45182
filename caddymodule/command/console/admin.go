package console

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"time"

	"github.com/caddy-wechat/gateway/internal/ledger"
)

// Admin calls the admin endpoint of a gateway.
type Admin interface {
	// Call sends a call without a body, and returns the body of a successful
	// answer. The error is a [*Refusal] if the gateway does not carry the call
	// out; otherwise the gateway did not answer.
	Call(ctx context.Context, method, path string) ([]byte, error)
}

// Refusal is an answer of the gateway other than success.
type Refusal struct {
	Status int
	// Word is the error's name in docs/admin.md; "" in answers of Caddy itself,
	// and of older gateways.
	Word string
	// Message is a sentence for the operator.
	Message string
	// Body is the answer as it came.
	Body []byte
}

// Error implements error.
func (r *Refusal) Error() string { return r.Message }

// callPatience is how long a call may take.
const callPatience = time.Minute

// call sends a call, and reads the answer into answer unless that is nil.
func (v *visit) call(method, path string, answer any) error {
	ctx, cancel := context.WithTimeout(v.r.Context(), callPatience)
	if method != http.MethodGet {
		// What was begun is finished even if the browser leaves.
		ctx, cancel = context.WithTimeout(context.WithoutCancel(v.r.Context()), callPatience)
	}
	defer cancel()
	body, err := v.console.config.Admin.Call(ctx, method, path)
	if err != nil {
		return err
	}
	if answer == nil {
		return nil
	}
	if err := json.Unmarshal(body, answer); err != nil {
		return problem{status: http.StatusBadGateway, text: "not_understood"}
	}
	return nil
}

func (v *visit) get(path string, answer any) error { return v.call(http.MethodGet, path, answer) }

// callPath puts the path of a call together. Each part is one segment.
func callPath(parts ...string) string {
	path := "/wechat"
	for _, part := range parts {
		path += "/" + url.PathEscape(part)
	}
	return path
}

// with adds a query to a path. Pairs are name and value.
func with(path string, pairs ...string) string {
	q := make(url.Values)
	for i := 0; i+1 < len(pairs); i += 2 {
		q.Set(pairs[i], pairs[i+1])
	}
	return path + "?" + q.Encode()
}

// Forms of the ids in paths. Other ids lead to no call (attack: an id such as
// `..` or `x/ban` becomes a part of the path, and so another call).
var (
	hookName  = regexp.MustCompile(`^[a-z0-9-]{1,64}$`)
	plainName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,128}$`)
)

// errNoPage is the answer to an id that cannot be one.
var errNoPage = problem{status: http.StatusNotFound, text: "no_page"}

// person returns the id of the person in the page's address.
func (v *visit) person() (string, error) {
	id := v.r.PathValue("id")
	if !ledger.ValidID(id) {
		return "", errNoPage
	}
	return id, nil
}

// hook returns the name of the webhook in the page's address.
func (v *visit) hook() (string, error) {
	name := v.r.PathValue("name")
	if !hookName.MatchString(name) {
		return "", errNoPage
	}
	return name, nil
}

// letter returns the id of the event in the page's address.
func (v *visit) letter() (string, error) {
	id := v.r.PathValue("letter")
	if !plainName.MatchString(id) {
		return "", errNoPage
	}
	return id, nil
}
