package caddymodule

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/caddy-wechat/gateway/internal/audit"
)

// backupStall is how long a caller may read nothing of a backup. It is short:
// while the file is copied, a change that must enlarge it waits, and with it
// every sign-in.
const backupStall = 10 * time.Second

// backup writes a copy of the ledger as it is at one moment. begin is called
// with the size before anything is written.
type backup func(ctx context.Context, w io.Writer, begin func(size int64)) error

// backUpLedger answers with a copy of the ledger's file, while the gateway
// runs. A copy that fails half-way aborts the connection.
func (d desk) backUpLedger(w http.ResponseWriter, r *http.Request) error {
	if err := noQuery(r); err != nil {
		return err
	}
	if d.backup == nil {
		return refuseAdmin(notSupported, "the ledger is in Redis: back up Redis itself, with a copy of its append-only file or of a snapshot (BGSAVE), "+
			"or export the ledger as JSON Lines (wechat ledger export)", nil)
	}
	var sent, size int64
	control := http.NewResponseController(w)
	out := writerFunc(func(b []byte) (int, error) {
		// Where the connection has no deadline, the caller is trusted: it may
		// stop Caddy, too.
		_ = control.SetWriteDeadline(time.Now().Add(backupStall))
		n, err := w.Write(b)
		sent += int64(n)
		return n, err
	})
	// Caddy's admin server cancels the request's context after ten seconds.
	err := d.backup(context.WithoutCancel(r.Context()), out, func(n int64) {
		size = n
		w.Header().Set("Content-Type", "application/octet-stream")
		w.Header().Set("Content-Length", strconv.FormatInt(n, 10))
	})
	if err != nil && sent == 0 {
		w.Header().Del("Content-Length")
		return adminError(err)
	}
	if err != nil {
		d.app.logger.Error("backup of the ledger aborted", slog.Int64("bytes", sent), slog.Any("error", err))
		d.audit(audit.ActionAdmin, "", "ledger backup aborted") // attack: as with an export
		panic(http.ErrAbortHandler)
	}
	d.app.logger.Info("ledger backed up through the admin endpoint", slog.Int64("bytes", size))
	d.audit(audit.ActionAdmin, "", "ledger backup")
	return nil
}
