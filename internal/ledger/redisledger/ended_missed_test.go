package redisledger

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/caddy-wechat/gateway/internal/redistest"
)

// before does something once, before the first command of a name is sent.
type before struct {
	command string
	once    sync.Once
	do      func()
}

func (*before) DialHook(next redis.DialHook) redis.DialHook { return next }

func (*before) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

func (h *before) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if cmd.Name() == h.command {
			h.once.Do(h.do)
		}
		return next(ctx, cmd)
	}
}

// A session that ends between an instance's subscription and its reading is
// heard of twice. That must not make up for one that it does not hear of at
// all, when the channel breaks later.
func TestRedisTombstoneHeardTwice(t *testing.T) {
	shared.Each(t, func(t *testing.T, b redistest.Backend) {
		other := testRedis(t, b.Client(), "", nil)
		client := b.Client()
		until := time.Now().Add(time.Hour)
		client.AddHook(&before{command: "hget", do: func() {
			if err := other.EndSession(t.Context(), [16]byte{1}, until); err != nil {
				t.Error(err)
			}
		}})
		r := testRedis(t, client, "", nil)
		r.Start()
		eventually(t, "the first end", func() bool { return r.Ended([16]byte{1}) && r.works(time.Now()) })
		defer cut(t, b, "allchannels")
		cut(t, b, "resetchannels")
		if err := other.EndSession(t.Context(), [16]byte{2}, until); err != nil {
			t.Fatal(err)
		}
		cut(t, b, "allchannels")
		eventually(t, "the end that nobody was told of", func() bool { return r.Ended([16]byte{2}) })
	})
}
