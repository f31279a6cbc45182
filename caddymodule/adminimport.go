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
	"unicode/utf8"

	"github.com/caddy-wechat/gateway/internal/audit"
	"github.com/caddy-wechat/gateway/internal/ledger"
)

// The bounds of one import. A longer ledger is sent in several imports.
const (
	maxImportLine  = 1 << 20  // bytes of one line
	maxImportLines = 1000     // persons and ends
	maxImportBytes = 16 << 20 // all of it
	importAtOnce   = 64       // lines being written: stores write many at the cost of one
)

// importedLines counts the imported lines of each kind.
type importedLines struct {
	Persons int `json:"persons"`
	Ended   int `json:"ended"`
	Bans    int `json:"bans,omitempty"`
}

// importLedger reads a ledger, or a part of one that begins with the header,
// and adds its persons and ends of sessions. It writes nothing unless it can
// read every line. Each line is added completely or not at all, and adding a
// line again changes nothing: an interrupted import is simply repeated.
func (d desk) importLedger(w http.ResponseWriter, r *http.Request) error {
	if err := noQuery(r); err != nil {
		return err
	}
	lines, err := readLedger(http.MaxBytesReader(w, r.Body, maxImportBytes))
	if err != nil {
		d.warnOfImport(err)
		return err
	}
	// The import is finished even if the caller hangs up or Caddy cancels the
	// context, which it does after ten seconds.
	if err := importLines(context.WithoutCancel(r.Context()), d.ledger, lines); err != nil {
		d.warnOfImport(err)
		d.audit(audit.ActionAdmin, "", "ledger import stopped") // the lines before are in the ledger
		return err
	}
	var done importedLines
	for _, l := range lines {
		switch {
		case l.ended:
			done.Ended++
		case l.banned:
			done.Bans++
		default:
			done.Persons++
		}
	}
	d.app.logger.Info("ledger imported through the admin endpoint", slog.Int("persons", done.Persons), slog.Int("ended", done.Ended), slog.Int("bans", done.Bans))
	d.audit(audit.ActionAdmin, "", "ledger import")
	return writeAdmin(w, http.StatusOK, done)
}

// warnOfImport logs the line that stopped an import, if it was one.
func (d desk) warnOfImport(err error) {
	var bad *refusedCall
	if errors.As(err, &bad) && bad.Line > 0 {
		d.app.logger.Warn("import of a ledger refused", slog.Int("line", bad.Line), slog.String("reason", bad.Message), slog.Any("error", bad.cause))
	}
}

// importLine is one line of an import: a person, an end of sessions, or a ban.
type importLine struct {
	person    ledger.Person
	ended     bool
	tombstone ledger.Tombstone // where ended
	banned    bool
	ban       ledger.Ban // where banned
}

// readLine reads a line of a ledger of this version.
func readLine(version int, line []byte) (l importLine, err error) {
	if version > 1 && ledger.IsTombstone(line) {
		l.ended = true
		return l, l.tombstone.UnmarshalJSON(line)
	}
	if version > 2 && ledger.IsBan(line) {
		l.banned = true
		return l, l.ban.UnmarshalJSON(line)
	}
	return l, l.person.UnmarshalJSON(line)
}

// ledgerWriter is the part of the ledger that an import needs.
type ledgerWriter interface {
	Import(ctx context.Context, p ledger.Person) error
	ImportEnded(ctx context.Context, t ledger.Tombstone) error
	ImportBan(ctx context.Context, b ledger.Ban) error
}

// add puts the line into a ledger.
func (l *importLine) add(ctx context.Context, to ledgerWriter) error {
	switch {
	case l.ended:
		return to.ImportEnded(ctx, l.tombstone)
	case l.banned:
		return to.ImportBan(ctx, l.ban)
	}
	return to.Import(ctx, l.person)
}

// readLedger reads all lines. Its errors contain nothing of the refused text.
func readLedger(body io.Reader) ([]importLine, error) {
	lines := bufio.NewScanner(body)
	lines.Buffer(make([]byte, 0, 64<<10), maxImportLine)
	var all []importLine
	n, version := 0, 0
	for lines.Scan() && lines.Err() == nil { // after an error, the last line is cut off
		n++
		if n == 1 {
			var err error
			if version, err = readHeader(lines.Bytes()); err != nil {
				return nil, err
			}
			continue
		}
		if n > maxImportLines+1 {
			return nil, refuseLine(n, tooLarge, fmt.Sprintf("at most %d lines can be sent at once, behind the first", maxImportLines), nil)
		}
		if !utf8.Valid(lines.Bytes()) { // the JSON decoder would replace the invalid bytes
			return nil, badLine(n, "it is not UTF-8: save the file as UTF-8")
		}
		l, err := readLine(version, lines.Bytes())
		if err != nil {
			return nil, badLine(n, plain(err))
		}
		all = append(all, l)
	}
	switch err := lines.Err(); {
	case errors.Is(err, bufio.ErrTooLong):
		return nil, badLine(n+1, fmt.Sprintf("it is longer than %d bytes", maxImportLine))
	case errors.As(err, new(*http.MaxBytesError)):
		return nil, refuseAdmin(tooLarge, fmt.Sprintf("at most %d bytes can be sent at once", maxImportBytes), err)
	case err != nil:
		return nil, refuseAdmin(invalidBody, "the ledger was not received completely", err)
	case n == 0:
		return nil, badLine(1, notHeader)
	}
	return all, nil
}

const notHeader = `it must be {"format":"wechat-ledger","version":2}, or version 1 or 3`

// readHeader returns the version of the ledger. It skips the byte order mark
// that Windows editors and shells put in front of a file.
func readHeader(line []byte) (version int, err error) {
	if bytes.HasPrefix(line, []byte("\xff\xfe")) || bytes.HasPrefix(line, []byte("\xfe\xff")) {
		return 0, badLine(1, "the file is UTF-16 ('Unicode'): save it as UTF-8, or export it with --file")
	}
	line = bytes.TrimPrefix(line, []byte(byteOrderMark))
	var h ledgerHeader
	dec := json.NewDecoder(bytes.NewReader(line))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&h); err != nil || h.Format != ledgerFormat.Format || h.Version < 1 || h.Version > ledgerWithBans.Version {
		return 0, badLine(1, notHeader)
	}
	return h.Version, nil
}

func badLine(n int, message string) error {
	return refuseLine(n, invalidLine, message, nil)
}

// plain returns an error of the ledger as the caller reads it. It contains
// nothing of the line.
func plain(err error) string { return strings.TrimPrefix(err.Error(), "ledger: ") }

// importLines adds all lines, many at a time, until one fails. If several fail,
// it reports the first one: all lines before it are in the ledger.
func importLines(ctx context.Context, to ledgerWriter, lines []importLine) error {
	outcomes := make([]error, len(lines))
	var working sync.WaitGroup
	var failed atomic.Bool
	slots := make(chan struct{}, importAtOnce)
	for i, l := range lines {
		slots <- struct{}{}
		if failed.Load() {
			break // do not ask a store that is down a thousand times
		}
		working.Go(func() {
			defer func() { <-slots }()
			if outcomes[i] = l.add(ctx, to); outcomes[i] != nil {
				failed.Store(true)
			}
		})
	}
	working.Wait()
	for i, err := range outcomes {
		line := i + 2 // the header is line 1
		switch {
		case err == nil:
		case errors.Is(err, ledger.ErrConflict), errors.Is(err, ledger.ErrTooMany):
			return refuseLine(line, ledgerConflict, plain(err), nil)
		case errors.Is(err, ledger.ErrInvalid):
			return badLine(line, plain(err))
		default:
			return refuseLine(line, storeUnavailable, "the store is unavailable; try again", err)
		}
	}
	return nil
}
