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

func backupLedgerCommand(e *endpoint) *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use:   "backup --file <file>",
		Short: "Copies the ledger's file while the gateway runs",
		Long: `Copies the ledger's file as it is at one moment, while the gateway runs (store local). The copy is written completely or
not at all, and only you can read it. To restore it, stop the gateway, put the copy into the place of ledger.db, and
start the gateway. Back up Caddy's storage, too: it has the session keys.

With store redis, back up Redis itself.` + endpointHelp,
		Args: cobra.NoArgs,
		RunE: e.long(func(ctx context.Context, c *client, cmd *cobra.Command, _ []string) error {
			if file == "" {
				return errors.New("give --file, the file to write")
			}
			b := &backupCopy{client: c, screen: cmd.ErrOrStderr()}
			if err := wholeFile(file, func(w io.Writer) error { return b.write(ctx, w) }); err != nil {
				return err
			}
			return e.sum(cmd, backupFile{b.bytes, file}, "%s written to %s.", count(b.bytes, "byte", "bytes"), file)
		}),
	}
	cmd.Flags().StringVar(&file, "file", "", "the file to write; one that is there is replaced")
	return cmd
}

// backupFile is what a backup prints with --json.
type backupFile struct {
	Bytes int64  `json:"bytes"`
	File  string `json:"file"`
}

// backupCopy receives a copy of the ledger's file.
type backupCopy struct {
	client   *client
	screen   io.Writer
	progress *progress
	bytes    int64
}

// boltMark is in the first page of every ledger file, boltMarkAt bytes from its
// beginning.
var boltMark = []byte{0xed, 0xda, 0x0c, 0xed}

const boltMarkAt = 16

// write copies the file. After an error, the output is not a complete one.
func (b *backupCopy) write(ctx context.Context, w io.Writer) error {
	response, err := b.client.send(ctx, http.MethodGet, "/wechat/ledger/backup", nil)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	b.progress = newProgress(b.screen, response.ContentLength)
	b.progress.one, b.progress.many = "MB", "MB"
	defer b.progress.end()
	body := bufio.NewReaderSize(response.Body, 256<<10)
	first, err := body.Peek(boltMarkAt + len(boltMark))
	if response.ContentLength < 0 || !bytes.HasSuffix(first, boltMark) {
		return errors.Join(errors.New("the server did not send a ledger's file"), ignoreEOF(err))
	}
	if _, err := io.Copy(w, io.TeeReader(body, b)); err != nil {
		return fmt.Errorf("the ledger was not received completely: %w", err)
	}
	return nil
}

// Write implements io.Writer. It counts bytes.
func (b *backupCopy) Write(p []byte) (int, error) {
	b.bytes += int64(len(p))
	b.progress.at(b.bytes, b.bytes>>20)
	return len(p), nil
}
