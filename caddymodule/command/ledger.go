package command

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/spf13/cobra"
)

func ledgerCommand() *cobra.Command {
	e := new(endpoint)
	cmd := &cobra.Command{
		Use:   "ledger",
		Short: "Carries the ledger from one store to another",
		Long: `Writes the whole ledger to a file, or reads one, as JSON Lines: behind a first line that says what it is, one line for
each session or person's sessions that were ended, and one for each person. Sessions that go on are not among it. The
file holds personal data.` + endpointHelp,
	}
	e.flags(cmd)
	return group(cmd, exportLedgerCommand(e), importLedgerCommand(e))
}

func exportLedgerCommand(e *endpoint) *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use:   "export [--file <file>]",
		Short: "Writes all persons and ends of sessions, as JSON Lines",
		Long: `Writes all persons, and what was ended, to standard output or, with --file, to a file that is there whole or not at all, readable by you
alone.` + endpointHelp,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
			defer stop()
			c, err := e.client()
			if err != nil {
				return err
			}
			x := &export{client: c, progress: newProgress(cmd.ErrOrStderr(), 0)}
			if file == "" {
				return x.write(ctx, cmd.OutOrStdout())
			}
			if err := x.toFile(ctx, file); err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s, one for each person and each end of sessions, written to %s.\n", count(x.records, "line", "lines"), file)
			return err
		},
	}
	cmd.Flags().StringVar(&file, "file", "", "the file to write; one that is there is replaced")
	return cmd
}

// export is one ledger on its way out.
type export struct {
	client   *client
	progress *progress
	bytes    int64
	lines    int64
	records  int64 // lines but the first
	last     byte
}

// toFile writes beside the file, and puts what is whole in its place.
func (x *export) toFile(ctx context.Context, file string) error {
	temporary, err := os.CreateTemp(filepath.Dir(file), ".wechat-ledger-*") // mode 0600
	if err != nil {
		return err
	}
	err = x.write(ctx, temporary)
	if err == nil {
		err = temporary.Sync()
	}
	err = errors.Join(err, temporary.Close())
	if err == nil {
		err = os.Rename(temporary.Name(), file)
	}
	if err != nil {
		return errors.Join(err, os.Remove(temporary.Name()))
	}
	return nil
}

// ledgerMark is in the first line of every ledger.
const ledgerMark = `"wechat-ledger"`

// write copies the ledger. Its error means that what was written is none.
func (x *export) write(ctx context.Context, w io.Writer) error {
	response, err := x.client.send(ctx, http.MethodGet, "/wechat/ledger", nil)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	defer x.progress.end()
	body := bufio.NewReaderSize(response.Body, 256<<10)
	if first, err := body.Peek(64); !bytes.Contains(first, []byte(ledgerMark)) {
		return errors.Join(errors.New("the server did not send a ledger"), ignoreEOF(err))
	}
	if _, err := io.Copy(w, io.TeeReader(body, x)); err != nil {
		return fmt.Errorf("the ledger did not arrive whole: %w", err)
	}
	if x.last != '\n' {
		return errors.New("the ledger did not arrive whole")
	}
	return nil
}

// Write implements io.Writer: it counts what goes by.
func (x *export) Write(b []byte) (int, error) {
	if len(b) > 0 {
		x.last = b[len(b)-1]
	}
	x.bytes += int64(len(b))
	x.lines += int64(bytes.Count(b, []byte("\n")))
	x.records = max(0, x.lines-1)
	x.progress.at(x.bytes, x.records)
	return len(b), nil
}

func ignoreEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}
