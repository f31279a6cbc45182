package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/caddy-wechat/gateway/internal/page"
)

func pagesCommand(looks Looks) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "pages",
		Short: "Shows the pages that visitors see, and writes their files",
		Long: `Shows the pages that visitors see, in all their states, and writes the built-in files to start your own from. See
docs/pages.md. For a name, a logo and a colour no files are needed: use brand in the Caddyfile.`,
	}
	return group(cmd, exportPagesCommand(), previewCommand(looks))
}

func exportPagesCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "export <folder>",
		Short: "Writes the built-in files of the pages into a folder",
		Long: `Writes the built-in files of the pages into a folder, which is made if it is not there: page.html, style.css,
texts.json and a picture for each page. The option "pages <folder>" of wechat_auth loads them as they are. Change what
you like, and remove the files that you do not change: then new versions of the gateway bring their own.

It never overwrites a file: if one is there, nothing is written.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			names, err := exportPages(args[0], page.Files())
			if err != nil {
				return fmt.Errorf("export: %w", err)
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s in %s. Use them with:\n\n\twechat_auth {\n\t\tpages %s\n\t}\n\n"+
				"To look at them: wechat pages preview --config <Caddyfile>\n", count(int64(len(names)), "file", "files"), args[0], absolute(args[0]))
			return err
		},
	}
}

// absolute returns a path as a configuration should have it.
func absolute(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return path
}

var errThere = errors.New("is there already; nothing was written")

// exportPages writes files into a folder and returns their names. If one of
// them is there, in any form, it writes none.
func exportPages(folder string, files fs.FS) (names []string, err error) {
	entries, err := fs.ReadDir(files, ".")
	if err != nil {
		return nil, err
	}
	for _, entry := range entries {
		name := filepath.Join(folder, entry.Name())
		if _, err := os.Lstat(name); err == nil {
			return nil, fmt.Errorf("%s %w", name, errThere)
		} else if !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		names = append(names, entry.Name())
	}
	if err := os.MkdirAll(folder, 0o755); err != nil { //nolint:gosec // the server's user reads it
		return nil, err
	}
	for i, name := range names {
		if err := writeNew(filepath.Join(folder, name), files, name); err != nil {
			for _, written := range names[:i] {
				_ = os.Remove(filepath.Join(folder, written)) // ours, of a moment ago
			}
			return nil, err
		}
	}
	return names, nil
}

// writeNew copies a file of files to a path where nothing is (attack: a
// symbolic link there would lead to another file).
func writeNew(path string, files fs.FS, name string) error {
	content, err := fs.ReadFile(files, name)
	if err != nil {
		return err
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644) //nolint:gosec // the server's user reads it
	if err != nil {
		return err
	}
	_, err = file.Write(content)
	if err = errors.Join(err, file.Close()); err != nil {
		_ = os.Remove(path)
	}
	return err
}

func previewCommand(looks Looks) *cobra.Command {
	p := newPreview(looks)
	var listen string
	cmd := &cobra.Command{
		Use:   "preview [--config Caddyfile] [--listen " + previewListen + "]",
		Short: "Shows all pages in all states in a browser",
		Long: `Serves all pages that visitors see, in all their states, in Chinese and English: as built in, with an example of a
brand, and with --config as each site of a Caddyfile has them. Files are read anew for each page: change one, and reload
the page in the browser. No page leads anywhere, and WeChat is not needed. It listens on loopback only.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
			defer stop()
			if err := runPreview(ctx, cmd.OutOrStdout(), p, listen); err != nil {
				return fmt.Errorf("preview: %w", err)
			}
			return nil
		},
	}
	cmd.Flags().StringVarP(&p.config, "config", "c", "", "a Caddyfile, or another configuration, whose pages are shown too")
	cmd.Flags().StringVarP(&p.adapter, "adapter", "a", "", "the adapter of the configuration (default: caddyfile, or none for .json)")
	cmd.Flags().StringVar(&listen, "listen", previewListen, "a loopback address to listen on")
	return cmd
}

func runPreview(ctx context.Context, out io.Writer, p *preview, listen string) error {
	if _, err := p.load(); err != nil { // a wrong name of a file is an error now, not in the browser
		return err
	}
	address, stop, err := p.serve(ctx, listen)
	if err != nil {
		return err
	}
	defer stop()
	if _, err := fmt.Fprintf(out, "All pages (全部页面): %s/\nPress Ctrl+C to stop. 按 Ctrl+C 停止。\n", address); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}
