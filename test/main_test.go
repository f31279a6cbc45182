package test

import (
	"os"
	"slices"
	"sync"
	"testing"
)

// atEnd holds what ends the programs that several tests share.
var atEnd struct {
	mu   sync.Mutex
	list []func()
}

func whenAllTestsEnd(f func()) {
	atEnd.mu.Lock()
	defer atEnd.mu.Unlock()
	atEnd.list = append(atEnd.list, f)
}

func TestMain(m *testing.M) {
	if socket := os.Getenv(heapSocket); socket != "" {
		gatewayWithHeap(socket)
	}
	code := m.Run()
	for _, f := range slices.Backward(atEnd.list) {
		f()
	}
	os.Exit(code)
}
