package wechattest

import (
	"fmt"
	"strings"
	"time"
)

// logf writes one line to Config.Log. Callers must not pass a secret or an
// address with a query.
func (s *Server) logf(format string, arguments ...any) {
	if s.config.Log == nil {
		return
	}
	line := time.Now().Format("15:04:05.000 ") + strings.ReplaceAll(fmt.Sprintf(format, arguments...), "\n", " ") + "\n"
	s.logMu.Lock()
	defer s.logMu.Unlock()
	_, _ = s.config.Log.Write([]byte(line)) // continue without a log
}
