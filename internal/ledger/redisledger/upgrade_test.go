package redisledger

import (
	"encoding/json"
	"os"
	"regexp"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/internal/ledger/ledgertest"
)

// messagesOfBefore are what a gateway published that had a connection and a
// heartbeat for the ledger alone, recorded from it: its channel, and the
// message of each step.
type messagesOfBefore struct {
	Channel string
	Rows    []struct {
		What     string
		Messages []string
	}
}

func readMessagesOfBefore(t *testing.T) (channel string, messages map[string]string) {
	t.Helper()
	data, err := os.ReadFile("testdata/before_heartbeat.json")
	if err != nil {
		t.Fatal(err)
	}
	var m messagesOfBefore
	if err := json.Unmarshal(data, &m); err != nil {
		t.Fatal(err)
	}
	messages = map[string]string{}
	for _, row := range m.Rows {
		messages[row.What] = row.Messages[0]
	}
	return m.Channel, messages
}

// personOfBefore is in the recorded messages.
const personOfBefore = "btzipxipyp25ec45lrlf6iy5i4"

// During a rolling upgrade, a new gateway hears what one of before changes and
// ends.
func TestRedisHearsTheGatewaysOfBefore(t *testing.T) {
	t.Parallel()
	channel, messages := readMessagesOfBefore(t)
	b := shared.Standalone(t)
	client := b.Client()
	r := testRedis(t, client, "", nil)
	publish := func(what string) {
		if err := client.Publish(t.Context(), channel, messages[what]).Err(); err != nil {
			t.Fatal(err)
		}
	}
	t.Run("a changed person", func(t *testing.T) {
		r.near.add(personOfBefore, cacheEntry{person: ledger.Person{ID: personOfBefore}, read: time.Now()}, r.near.epoch(personOfBefore), 1)
		g := r.Generation()
		publish("a changed person")
		eventually(t, "the change", func() bool {
			_, known := r.near.get(personOfBefore)
			return !known && r.Generation() > g
		})
	})
	// The gateway of before wrote them in the script that announces them.
	for what, ended := range map[string]func() bool{
		"an ended session": func() bool { return r.Ended([16]byte{1, 2, 3}) },
		"an ended person":  func() bool { return !r.PersonEnded(personOfBefore).IsZero() },
	} {
		t.Run(what, func(t *testing.T) {
			word := redis.Z{Member: messages[what][1:], Score: 7258118400}
			if err := client.ZAdd(t.Context(), r.key("ended"), word).Err(); err != nil {
				t.Fatal(err)
			}
			eventually(t, "the channel works", func() bool { return r.works(time.Now()) })
			if ended() {
				t.Fatal("it has ended before it is announced")
			}
			publish(what)
			eventually(t, "the end", ended)
		})
	}
}

// And one of before hears a new one: channel and messages are the same, but for
// what is random or a time.
func TestRedisIsHeardByTheGatewaysOfBefore(t *testing.T) {
	t.Parallel()
	channel, messages := readMessagesOfBefore(t)
	client := shared.Standalone(t).Client()
	r := New(Options{Client: client, Timeout: time.Minute})
	defer r.Close()
	sub := client.Subscribe(t.Context(), channel)
	defer sub.Close()
	if _, err := sub.Receive(t.Context()); err != nil {
		t.Fatal(err)
	}
	until, seen := time.Unix(7258118400, 0), ledger.Observation{AppID: "wxA", OpenID: "oA"}
	var id string
	for _, row := range []struct {
		what string
		do   func() error
	}{
		{"a new person", func() error { id = ledgertest.MustSee(t, r, seen).ID; return nil }},
		{"a changed person", func() error {
			seen.Profile = &ledger.Profile{Nickname: "n"}
			ledgertest.MustSee(t, r, seen)
			return nil
		}},
		{"an ended session", func() error { return r.EndSession(t.Context(), [16]byte{1, 2, 3}, until) }},
		{"an ended person", func() error { return r.EndPerson(t.Context(), id, time.Unix(1700000000, 0), until) }},
	} {
		t.Run(row.what, func(t *testing.T) {
			if err := row.do(); err != nil {
				t.Fatal(err)
			}
			m, err := sub.ReceiveTimeout(t.Context(), 20*time.Second)
			if err != nil {
				t.Fatal(err)
			}
			got, want := m.(*redis.Message).Payload, messages[row.what]
			if shape(got) != shape(want) {
				t.Errorf("published %q, a gateway of before published %q", got, want)
			}
		})
	}
}

var (
	ids    = regexp.MustCompile(`(^ep|[:,])[a-z2-7]{26}`)
	stamps = regexp.MustCompile(`^([nt])[A-Z1-7]{12}:`)
)

// shape is a message without what is random in it.
func shape(message string) string {
	return ids.ReplaceAllString(stamps.ReplaceAllString(message, "${1}STAMP:"), "${1}ID")
}
