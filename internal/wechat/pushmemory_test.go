package wechat

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
)

// Attack: fields among a mebibyte of blanks. What is remembered of a push must
// not hold on to the whole of it: 65,536 events are remembered.
func TestPushFieldHoldsNoBody(t *testing.T) {
	const pushes, body = 64, 1 << 20
	blanks := strings.Repeat(" ", body)
	for name, form := range map[string]string{
		"xml":  "<xml><Event>user_authorization_revoke</Event><OpenID>%sop%d</OpenID></xml>",
		"json": `{"Event":"user_authorization_revoke","OpenID":"%sop%d"}`,
	} {
		kept := make([]string, 0, pushes)
		before := heap()
		for i := range pushes {
			m, err := parsePush(fmt.Appendf(nil, form, blanks, i))
			if err != nil || m.OpenID != fmt.Sprint("op", i) {
				t.Fatalf("%s: %q, %v", name, m.OpenID, err)
			}
			kept = append(kept, m.OpenID)
		}
		if grown := int64(heap()) - int64(before); grown > pushes*body/4 {
			t.Errorf("%s: %d openids keep %d bytes alive", name, len(kept), grown)
		}
		runtime.KeepAlive(kept)
	}
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
