package doctor

import (
	"math"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
)

// ReadMemory returns the limits of this process.
func ReadMemory() Memory {
	var m Memory
	if limit := debug.SetMemoryLimit(-1); limit < math.MaxInt64 {
		m.Go = limit
	}
	for _, file := range []string{"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"} {
		if text, err := os.ReadFile(file); err == nil {
			m.Container = parseLimit(string(text))
			break
		}
	}
	return m
}

// parseLimit reads the limit of a control group, 0 for none. Without a limit,
// the first version of control groups shows a number near the largest.
func parseLimit(text string) int64 {
	limit, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
	if err != nil || limit <= 0 || limit > 1<<50 {
		return 0
	}
	return limit
}
