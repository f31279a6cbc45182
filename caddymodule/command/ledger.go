package command

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/spf13/cobra"
)

func ledgerCommand() *cobra.Command {
	e := new(endpoint)
	cmd := &cobra.Command{
		Use:   "ledger",
		Short: "Exports, imports, verifies and backs up the ledger, and erases inactive persons",
		Long: `Exports, imports, verifies and backs up the ledger, and erases inactive persons.

Export and import write the whole ledger to a file, or read one, as JSON Lines: a first line with the format, then one line for each end of
sessions, then one line for each person. Sessions that have not ended are not included. The file contains personal data.` + endpointHelp,
	}
	e.flags(cmd)
	return group(cmd, exportLedgerCommand(e), importLedgerCommand(e),
		verifyLedgerCommand(e), backupLedgerCommand(e), pruneLedgerCommand(e))
}

func exportLedgerCommand(e *endpoint) *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use:   "export [--file <file>]",
		Short: "Writes all persons and ends of sessions, as JSON Lines",
		Long: `Writes all persons and ends of sessions to standard output or, with --file, to a file. The file is written completely or
not at all, and only you can read it.` + endpointHelp,
		Args: cobra.NoArgs,
		RunE: e.long(func(ctx context.Context, c *client, cmd *cobra.Command, _ []string) error {
			x := &export{client: c, progress: newProgress(cmd.ErrOrStderr(), 0)}
			if file == "" {
				return x.write(ctx, cmd.OutOrStdout())
			}
			if err := x.toFile(ctx, file); err != nil {
				return err
			}
			return e.sum(cmd, exportedFile{x.records, file}, "%s, one for each person and each end of sessions, written to %s.", count(x.records, "line", "lines"), file)
		}),
	}
	cmd.Flags().StringVar(&file, "file", "", "the file to write; one that is there is replaced")
	return cmd
}

// exportedFile is what an export into a file prints with --json.
type exportedFile struct {
	Lines int64  `json:"lines"` // without the header
	File  string `json:"file"`
}

// export writes one ledger.
type export struct {
	client   *client
	progress *progress
	bytes    int64
	lines    int64
	records  int64 // lines without the header
	last     byte
}

// toFile writes the ledger to a file.
func (x *export) toFile(ctx context.Context, file string) error {
	return wholeFile(file, func(w io.Writer) error { return x.write(ctx, w) })
}

// ledgerMark is part of the first line of every ledger.
const ledgerMark = `"wechat-ledger"`

// write copies the ledger. After an error, the output is not a complete ledger.
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
		return fmt.Errorf("the ledger was not received completely: %w", err)
	}
	if x.last != '\n' {
		return errors.New("the ledger was not received completely")
	}
	return nil
}

// Write implements io.Writer. It counts bytes and lines.
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
