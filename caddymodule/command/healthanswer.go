package command

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// healthAnswer is what the admin endpoint or a site says. The admin endpoint
// says more of each part.
type healthAnswer struct {
	Status  int                        `json:"code"` // of a site only
	Error   string                     `json:"error"`
	Message string                     `json:"message"`
	Parts   map[string]json.RawMessage `json:"parts"`
}

// errNoGateway is an answer that is not the gateway's.
var errNoGateway = errors.New("the answer is not the gateway's: is it built into this server, and is this the right address?")

// readHealth reads an answer and closes it.
func readHealth(response *http.Response) (healthAnswer, error) {
	defer response.Body.Close()
	var a healthAnswer
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return a, fmt.Errorf("reading the answer: %w", err)
	}
	if err := json.Unmarshal(body, &a); err != nil {
		return a, fmt.Errorf("status %d: %w", response.StatusCode, errNoGateway)
	}
	return a, nil
}

// refused is an answer that says nothing of the parts.
func (a healthAnswer) refused(response *http.Response) error {
	if a.Error == "" {
		return fmt.Errorf("status %d: %w", response.StatusCode, errNoGateway)
	}
	return fmt.Errorf("status %d: %s", response.StatusCode, cmp.Or(a.Message, a.Error))
}

// parts lists the state of each part, with its error where it is known.
func (a healthAnswer) parts() string {
	var list []string
	for _, name := range slices.Sorted(maps.Keys(a.Parts)) {
		list = append(list, name+" "+stateOf(a.Parts[name]))
	}
	return strings.Join(list, ", ")
}

// stateOf reads a part: its state alone, or an object with state and error.
func stateOf(part json.RawMessage) string {
	var state string
	if json.Unmarshal(part, &state) == nil {
		return state
	}
	var details struct{ State, Error string }
	if json.Unmarshal(part, &details) != nil || details.State == "" {
		return "unknown"
	}
	if details.Error != "" {
		return details.State + " (" + details.Error + ")"
	}
	return details.State
}
