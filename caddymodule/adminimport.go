package caddymodule

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/caddy-wechat/gateway/internal/ledger"
)

// The bounds of one import. A ledger of more lines is sent in several.
const (
	maxImportLine  = 1 << 20  // bytes of one line
	maxImportLines = 1000     // persons
	maxImportBytes = 16 << 20 // all of it
	importAtOnce   = 64       // persons being written: stores write many at the cost of one
)

// errLine is a line that was refused.
type errLine struct {
	Line    int    `json:"line"`
	Message string `json:"error"`
	status  int
	cause   error // for the log; nil where Message says it all
}

// Error implements error.
func (e errLine) Error() string { return fmt.Sprintf("line %d: %s", e.Line, e.Message) }

// importedLines is how many persons were read; all of them are in the ledger now.
type importedLines struct {
	Persons int `json:"persons"`
}

// importLedger reads a ledger, or a part of one that begins with the header, and
// adds its persons. Nothing is written unless every line can be read. Each person
// is added whole or not at all, and adding one again changes nothing: an import
// that stopped is simply repeated.
func (d desk) importLedger(w http.ResponseWriter, r *http.Request) error {
	persons, err := readLedger(http.MaxBytesReader(w, r.Body, maxImportBytes))
	if err == nil {
		// The caller may hang up, and Caddy cancels the context after ten seconds;
		// what was begun is finished.
		err = importPersons(context.WithoutCancel(r.Context()), d.ledger, persons)
	}
	var bad errLine
	switch {
	case errors.As(err, &bad):
		d.app.logger.Warn("import of a ledger refused", slog.Int("line", bad.Line), slog.String("reason", bad.Message), slog.Any("error", bad.cause))
		return writeAdmin(w, bad.status, bad)
	case err != nil:
		return err
	}
	d.app.logger.Info("persons imported through the admin endpoint", slog.Int("persons", len(persons)))
	return writeAdmin(w, http.StatusOK, importedLines{len(persons)})
}

// readLedger reads all lines. Its errors repeat nothing of what they refuse.
func readLedger(body io.Reader) ([]ledger.Person, error) {
	lines := bufio.NewScanner(body)
	lines.Buffer(make([]byte, 0, 64<<10), maxImportLine)
	var persons []ledger.Person
	n := 0
	for lines.Scan() && lines.Err() == nil { // with an error comes a last line, cut off
		n++
		if n == 1 {
			if err := checkHeader(lines.Bytes()); err != nil {
				return nil, err
			}
			continue
		}
		if n > maxImportLines+1 {
			return nil, errLine{Line: n, Message: fmt.Sprintf("at most %d persons can be sent at once", maxImportLines), status: http.StatusRequestEntityTooLarge}
		}
		var p ledger.Person
		if err := p.UnmarshalJSON(lines.Bytes()); err != nil {
			return nil, badLine(n, plain(err))
		}
		persons = append(persons, p)
	}
	switch err := lines.Err(); {
	case errors.Is(err, bufio.ErrTooLong):
		return nil, badLine(n+1, fmt.Sprintf("it is longer than %d bytes", maxImportLine))
	case errors.As(err, new(*http.MaxBytesError)):
		return nil, refuseAdmin(http.StatusRequestEntityTooLarge, fmt.Sprintf("at most %d bytes can be sent at once", maxImportBytes), err)
	case err != nil:
		return nil, refuseAdmin(http.StatusBadRequest, "the ledger did not arrive whole", err)
	case n == 0:
		return nil, badLine(1, notHeader)
	}
	return persons, nil
}

const notHeader = `it must be {"format":"wechat-ledger","version":1}`

func checkHeader(line []byte) error {
	var h ledgerHeader
	dec := json.NewDecoder(bytes.NewReader(line))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&h); err != nil || h != ledgerFormat {
		return badLine(1, notHeader)
	}
	return nil
}

func badLine(n int, message string) error {
	return errLine{Line: n, Message: message, status: http.StatusBadRequest}
}

// plain is an error of the ledger for the caller. It repeats nothing of the line.
func plain(err error) string { return strings.TrimPrefix(err.Error(), "ledger: ") }

// importPersons adds them all, many at a time, until one fails. Of several that
// fail, the first line is told: all before it are in the ledger.
func importPersons(ctx context.Context, l ledger.Ledger, persons []ledger.Person) error {
	outcomes := make([]error, len(persons))
	var working sync.WaitGroup
	var failed atomic.Bool
	slots := make(chan struct{}, importAtOnce)
	for i, p := range persons {
		slots <- struct{}{}
		if failed.Load() {
			break // a store that is down is not asked a thousand times
		}
		working.Go(func() {
			defer func() { <-slots }()
			if outcomes[i] = l.Import(ctx, p); outcomes[i] != nil {
				failed.Store(true)
			}
		})
	}
	working.Wait()
	for i, err := range outcomes {
		line := i + 2 // the header is line 1
		switch {
		case err == nil:
		case errors.Is(err, ledger.ErrConflict):
			return errLine{Line: line, Message: plain(err), status: http.StatusConflict}
		case errors.Is(err, ledger.ErrInvalid):
			return badLine(line, plain(err))
		default:
			return errLine{Line: line, Message: "the store is unavailable; try again", status: http.StatusServiceUnavailable, cause: err}
		}
	}
	return nil
}
