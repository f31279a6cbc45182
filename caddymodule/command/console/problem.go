package console

import (
	"errors"
	"net/http"
)

// ErrOtherUser is the reason not to examine the running configuration.
var ErrOtherUser = errors.New("the program at the admin endpoint runs as another user, and its configuration could have files read that only you may read: run this command as that user")

// problem is what a page says instead of what was asked for.
type problem struct {
	status int
	text   string // name of the sentences: problem_… says what, and do_… what to do
	says   string // the gateway's own words
}

// Error implements error.
func (p problem) Error() string { return p.text }

// page returns the page of the problem.
func (p problem) page() page {
	return page{name: "problem", title: "problem_" + p.text, status: p.status, data: struct{ Text, Says string }{p.text, p.says}}
}

// problemOf returns what an error of a call means to the operator.
func problemOf(err error) problem {
	if p, ok := errors.AsType[problem](err); ok {
		return p
	}
	refused, ok := errors.AsType[*Refusal](err)
	switch {
	case errors.Is(err, ErrOtherUser):
		return problem{http.StatusForbidden, "other_user", err.Error()}
	case !ok:
		return problem{http.StatusBadGateway, "unreachable", err.Error()}
	case refused.unknown():
		return problem{http.StatusNotImplemented, "older", ""}
	case refused.Status == http.StatusServiceUnavailable:
		return problem{http.StatusServiceUnavailable, "unavailable", refused.Message}
	case refused.Status == http.StatusForbidden:
		return problem{http.StatusBadGateway, "forbidden", refused.Message}
	case refused.Status == http.StatusNotFound:
		return problem{http.StatusNotFound, "not_found", refused.Message}
	case refused.Status == http.StatusNotImplemented:
		return problem{http.StatusNotImplemented, "not_here", refused.Message}
	case refused.Status == http.StatusTooManyRequests || refused.Status >= 500:
		return problem{http.StatusBadGateway, "failed", refused.Message}
	default:
		return problem{refused.Status, "refused", refused.Message}
	}
}

// unknown reports whether the gateway does not know the call: it is older than
// the console.
func (r *Refusal) unknown() bool {
	return r.Status == http.StatusMethodNotAllowed || r.Status == http.StatusNotFound &&
		(r.Word == "unknown_call" || r.Word == "" && r.Message == "there is no such call")
}

// older makes a refusal of the query the answer of an older gateway, which does
// not know its parameters. It is for queries in which the operator chooses
// nothing.
func older(err error) error {
	if refused, ok := errors.AsType[*Refusal](err); ok && refused.Status == http.StatusBadRequest {
		return problem{http.StatusNotImplemented, "older", refused.Message}
	}
	return err
}
