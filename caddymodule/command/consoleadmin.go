package command

import (
	"context"
	"fmt"
	"io"

	"github.com/caddy-wechat/gateway/caddymodule/command/console"
	"github.com/caddy-wechat/gateway/internal/doctor"
)

// consoleAdmin calls the admin endpoint for the console.
type consoleAdmin struct{ client *client }

// Call implements console.Admin.
func (a consoleAdmin) Call(ctx context.Context, method, path string) ([]byte, error) {
	response, err := a.client.do(ctx, method, path, nil)
	if err != nil {
		return nil, err
	}
	defer a.client.http.CloseIdleConnections() // its buffers would hold the answer
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return nil, fmt.Errorf("reading the answer: %w", err)
	}
	if response.StatusCode < 300 {
		return body, nil
	}
	r := newRefusal(response, body)
	word := r.Word
	if word == r.Message { // a sentence of Caddy itself, or of an older gateway
		word = ""
	}
	return nil, &console.Refusal{Status: r.Status, Word: word, Message: r.Message, Body: body}
}

// examineRunning runs the doctor on the running server's configuration.
func examineRunning(ctx context.Context, examine Examine, admin *client) (doctor.Report, error) {
	p := physician{examine: examine}
	config, err := admin.runningConfig(ctx, consoleAdmin{admin}.Call)
	if err != nil {
		return doctor.Report{}, err
	}
	setup, release, err := p.withAdmin(config, nil, admin)
	if err != nil {
		return doctor.Report{}, err
	}
	defer release()
	return setup.Examine(ctx), nil
}
