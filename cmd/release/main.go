package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
)

// platforms are those of a release.
var platforms = []platform{{"linux", "amd64"}, {"linux", "arm64"}, {"windows", "amd64"}, {"darwin", "amd64"}, {"darwin", "arm64"}}

type options struct {
	out       string
	platforms []platform
	snapshot  bool
	verify    bool
}

func main() {
	o := options{platforms: platforms}
	flag.StringVar(&o.out, "out", "dist", "the `folder` to write to; it must not exist, or be empty")
	flag.BoolVar(&o.snapshot, "snapshot", false, "HEAD needs no tag")
	flag.BoolVar(&o.verify, "verify", false, "build the binaries again without the cache, and compare")
	flag.Func("platforms", "`list` such as linux/amd64,windows/amd64 (default: all of a release)", func(list string) (err error) {
		o.platforms, err = parsePlatforms(list)
		return err
	})
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := o.run(ctx, flag.Args())
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}

// platform is an operating system and a processor, in Go's words.
type platform struct{ system, processor string }

// String returns the usual form, such as linux/amd64.
func (p platform) String() string { return p.system + "/" + p.processor }

var errPlatform = errors.New("a platform is written as linux/amd64")

func parsePlatforms(list string) ([]platform, error) {
	var found []platform
	for one := range strings.SplitSeq(list, ",") {
		system, processor, ok := strings.Cut(one, "/")
		if !ok || system == "" || processor == "" || strings.ContainsAny(one, `.\ `) {
			return nil, errPlatform
		}
		found = append(found, platform{system, processor})
	}
	return found, nil
}

// run makes the release. What it has written stays if it fails; the checksums
// are written last.
func (o options) run(ctx context.Context, args []string) error {
	if len(args) > 0 {
		return fmt.Errorf("unknown argument %q", args[0])
	}
	if entries, err := os.ReadDir(o.out); err == nil && len(entries) > 0 {
		return fmt.Errorf("%s is not empty", o.out)
	}
	if err := os.MkdirAll(o.out, 0o755); err != nil { //nolint:gosec // what is published is no secret
		return err
	}
	if !o.snapshot {
		if err := requireTag(ctx); err != nil {
			return err
		}
	}
	tree, err := checkout(ctx)
	if err != nil {
		return err
	}
	defer tree.remove()
	for _, p := range o.platforms {
		if err := o.make(ctx, tree, p); err != nil {
			return fmt.Errorf("%s: %w", p, err)
		}
	}
	if o.verify {
		if err := o.compare(ctx, tree); err != nil {
			return err
		}
	}
	return writeSums(o.out)
}

// make makes the files of one platform.
func (o options) make(ctx context.Context, tree *tree, p platform) error {
	b, err := tree.build(ctx, p, "")
	if err != nil {
		return err
	}
	name := fmt.Sprintf("wechat-gateway_%s_%s_%s", b.version, p.system, p.processor)
	if err := writeBill(ctx, b, filepath.Join(o.out, name+".cdx.json")); err != nil {
		return err
	}
	archive, err := writeArchive(o.out, name, p, b.time, tree.contents(b.file, p))
	if err == nil {
		fmt.Println(archive)
	}
	return err
}
