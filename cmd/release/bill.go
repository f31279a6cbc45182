package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// billTool writes bills of materials (SBOM) in CycloneDX's format, from what Go
// has put into a binary.
const billTool = "github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod@v1.10.0"

// writeBill lists the modules of a binary with their versions and checksums.
// Time and serial number are left out: they would differ each time.
func writeBill(ctx context.Context, b *binary, file string) error {
	cmd := exec.CommandContext(ctx, "go", "run", billTool, "bin", "-json", "-std", "-noserial", "-notimestamp", "-version", b.version, "-output", file, b.file) //nolint:gosec // names of this program
	// The program runs on this machine, whatever the environment says.
	cmd.Env = environment(os.Environ(), platform{})
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("bill of materials: %w\n%s", err, strings.TrimSpace(string(out)))
	}
	return nil
}
