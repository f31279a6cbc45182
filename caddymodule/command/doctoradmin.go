package command

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
)

// adminOf asks the admin endpoint for the doctor.
type adminOf struct{ client *client }

// Get implements doctor.Admin.
func (a adminOf) Get(ctx context.Context, path string) (status int, body []byte, err error) {
	defer a.client.http.CloseIdleConnections()
	body, err = a.client.read(ctx, http.MethodGet, path)
	var refused *refusal
	switch {
	case errors.As(err, &refused):
		return refused.Status, nil, nil
	case err != nil:
		return 0, nil, err
	}
	return http.StatusOK, body, nil
}

// appsOf returns the apps of a configuration. A file without any has none.
func appsOf(config []byte) ([]byte, error) {
	var parts struct {
		Apps json.RawMessage `json:"apps"`
	}
	if err := json.Unmarshal(config, &parts); err != nil {
		return nil, errors.New("the configuration is not JSON")
	}
	if parts.Apps == nil {
		return []byte("null"), nil
	}
	return parts.Apps, nil
}
