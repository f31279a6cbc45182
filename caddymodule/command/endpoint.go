package command

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/caddyserver/caddy/v2"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"

	"github.com/caddy-wechat/gateway/internal/audit"
)

// endpoint is the address of the running server's admin endpoint. The flags are
// those of Caddy's own commands.
type endpoint struct {
	address, config, adapter string

	json bool // print what the call answered
}

// endpointHelp is the end of each command's help.
const endpointHelp = `

The command asks the running server through its admin endpoint, at localhost:2019 unless --address, or a configuration
given with --config, says otherwise. With --json it prints what the server answered. It exits with 0 if all is done, 3 if
there is no such thing, 4 if the server or its store does not answer, 5 if the call was refused or not confirmed, and
otherwise with 1.`

// flags adds the flags of a group of commands that ask the server.
func (e *endpoint) flags(cmd *cobra.Command) {
	e.addressFlags(cmd)
	cmd.PersistentFlags().BoolVar(&e.json, "json", false, "print the server's answer as JSON, and nothing else")
}

// addressFlags adds the flags that say where the server is.
func (e *endpoint) addressFlags(cmd *cobra.Command) {
	f := cmd.PersistentFlags()
	f.StringVar(&e.address, "address", "", "address of the admin endpoint, such as localhost:2019 or unix//run/caddy/admin.sock (if --config is not used)")
	f.StringVarP(&e.config, "config", "c", "", "configuration file (if --address is not used)")
	f.StringVarP(&e.adapter, "adapter", "a", "", "name of the config adapter to apply (if --config is used)")
}

// client calls one admin endpoint. Caddy's own helper leaves a connection open
// for each call, cannot be interrupted, and returns the server's error as one
// text.
type client struct {
	http   http.Client
	origin string
	tcp    bool
	at     string // the address, as people write it

	address caddy.NetworkAddress
}

func (e *endpoint) client() (*client, error) {
	address, err := caddycmd.DetermineAdminAPIAddress(e.address, nil, e.config, e.adapter)
	if err != nil {
		return nil, err
	}
	parsed, err := caddy.ParseNetworkAddress(address)
	if err != nil || parsed.PortRangeSize() > 1 {
		return nil, fmt.Errorf("%q is no address of an admin endpoint", address)
	}
	c := &client{origin: "http://127.0.0.1", at: address} // a Unix socket has no host
	if c.tcp = !parsed.IsUnixNetwork() && !parsed.IsFdNetwork(); c.tcp {
		c.origin = "http://" + parsed.JoinHostPort(0)
	}
	if _, err := url.Parse(c.origin); err != nil {
		return nil, fmt.Errorf("%q is no address of an admin endpoint", address)
	}
	// A socket's path may be followed by the socket's permissions.
	parsed.Host, _, _ = strings.Cut(parsed.Host, "|")
	c.address = parsed
	// A redirect would be another call.
	c.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	// Use no proxy of the environment: calls contain personal data.
	c.http.Transport = &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return dialServer(ctx, new(net.Dialer).DialContext, parsed)
	}}
	return c, nil
}

// dialServer connects to the admin endpoint. At `localhost` Caddy listens on
// IPv4 if there is IPv4, so this is tried first (attack: another user of the
// machine listens on the same port of [::1], which resolvers put first, and
// gets the operator's calls).
func dialServer(ctx context.Context, dial func(ctx context.Context, network, address string) (net.Conn, error), at caddy.NetworkAddress) (net.Conn, error) {
	if at.Network == "tcp" && strings.EqualFold(at.Host, "localhost") {
		if conn, err := dial(ctx, "tcp4", at.JoinHostPort(0)); err == nil {
			return conn, nil
		}
	}
	return dial(ctx, at.Network, at.JoinHostPort(0))
}

// refusal is an answer other than success.
type refusal struct {
	Status  int    `json:"-"`
	Word    string `json:"error"` // a word of docs/admin.md; a sentence in Caddy's own refusals
	Message string `json:"message"`
	Line    int    `json:"line"` // in the sent part; 0 if the error is not about a line
	raw     []byte // the answer; empty if it is not JSON
}

// Error implements error. An openid or unionid given as an id finds nobody, so
// the text names the command that takes them.
func (r *refusal) Error() string {
	if r.Word == "person_not_found" {
		return r.Message + "; an id is what the app gets as X-Wechat-User, and persons find --openid finds it"
	}
	return r.Message
}

// maxAnswer bounds an answer that is kept in memory, in bytes.
const maxAnswer = 4 << 20

// do sends one call and returns the answer, whatever its status.
func (c *client) do(ctx context.Context, method, path string, body io.Reader) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, method, c.origin+path, body)
	if err != nil {
		return nil, err
	}
	request.Header.Set(audit.OperatorHeader, operator())
	if c.tcp {
		request.Header.Set("Origin", c.origin)
	}
	response, err := c.http.Do(request)
	if err != nil {
		var wrapped *url.Error
		if errors.As(err, &wrapped) {
			err = wrapped.Err // without the address: it may name a person
		}
		if ctx.Err() != nil {
			return nil, fmt.Errorf("interrupted: %w", err)
		}
		return nil, fmt.Errorf("%w: %w", errUnreachable, err)
	}
	return response, nil
}

// send sends one call. It returns an answer other than success as a *refusal. A
// redirect is no success: what was asked for is not done.
func (c *client) send(ctx context.Context, method, path string, body io.Reader) (*http.Response, error) {
	response, err := c.do(ctx, method, path, body)
	if err != nil {
		return nil, err
	}
	if response.StatusCode < 300 {
		return response, nil
	}
	defer response.Body.Close()
	answer, _ := io.ReadAll(io.LimitReader(response.Body, maxAnswer)) // the part that arrived
	return nil, newRefusal(response, answer)
}

// newRefusal reads an answer other than success.
func newRefusal(response *http.Response, answer []byte) *refusal {
	r := &refusal{Status: response.StatusCode}
	if err := json.Unmarshal(answer, r); err == nil && r.Word != "" {
		r.raw = answer
	} else {
		r.Word, r.Message = "", fmt.Sprintf("the server answered %s; is the gateway built into it?", response.Status)
	}
	r.Message = cmp.Or(r.Message, r.Word) // Caddy itself, and an older gateway, answer with a sentence alone
	return r
}

// read sends a call and returns the whole answer.
func (c *client) read(ctx context.Context, method, path string) ([]byte, error) {
	response, err := c.send(ctx, method, path, nil)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return nil, fmt.Errorf("reading the answer: %w", err)
	}
	return answer, nil
}

// into sends a call and reads the JSON of its answer into v.
func (c *client) into(ctx context.Context, method, path string, v any) error {
	answer, err := c.read(ctx, method, path)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(answer, v); err != nil {
		return errNotUnderstood
	}
	return nil
}

// id is the only argument of a command.
func id(_ *cobra.Command, args []string) error {
	if len(args) != 1 || args[0] == "" {
		return errors.New("give one id")
	}
	return nil
}
