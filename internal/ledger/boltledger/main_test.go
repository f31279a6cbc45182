package boltledger

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if path := os.Getenv(crashEnv); path != "" {
		crashChild(path) // does not return
	}
	goleak.VerifyTestMain(m)
}
