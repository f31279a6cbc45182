package wechattest

import (
	"cmp"
	"slices"
	"sync"
	"time"
)

// maxShownAnswer bounds Attempt.Answer.
const maxShownAnswer = 1024

// Pushed is one push with its attempts.
type Pushed struct {
	ID       int       // 1, 2, 3, …
	Time     time.Time // when it began
	AppID    string
	What     string // the event or the message type; "check" for a check of the address
	Mode     PushMode
	Format   PushFormat
	Attempts []Attempt
	Done     bool // accepted, or given up
	Accepted bool
	Reply    string // the server's reply, decrypted; "" if the answer is success or empty
}

// Attempt is one try of a push.
type Attempt struct {
	Time     time.Time
	Duration time.Duration
	Status   int    // 0 without an answer
	Answer   string // the first 1024 bytes
	Accepted bool
	Err      error // why there is no answer, without the address, or why it was refused
}

// why returns the error for a log line.
func (a Attempt) why() string {
	if a.Err == nil {
		return ""
	}
	return " because " + a.Err.Error()
}

// pushLog keeps the newest pushes.
type pushLog struct {
	mu    sync.Mutex
	all   []Pushed
	count int
}

func (l *pushLog) begin(o outgoing) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.count++
	p := o.account.Push
	if len(l.all) == maxPushes {
		l.all = slices.Delete(l.all, 0, 1)
	}
	l.all = append(l.all, Pushed{
		ID: l.count, Time: time.Now(), AppID: o.account.AppID, What: o.message.what(), Mode: p.Mode, Format: p.Format,
	})
	return l.count
}

// note adds an attempt, if there was one, and returns a copy.
func (l *pushLog) note(id int, a Attempt, reply string, last bool) Pushed {
	l.mu.Lock()
	defer l.mu.Unlock()
	i := slices.IndexFunc(l.all, func(p Pushed) bool { return p.ID == id })
	if i < 0 { // newer pushes have replaced it
		return Pushed{ID: id, Attempts: []Attempt{a}, Done: last, Accepted: a.Accepted, Reply: reply}
	}
	p := &l.all[i]
	if !a.Time.IsZero() {
		p.Attempts = append(p.Attempts, a)
	}
	p.Done, p.Accepted, p.Reply = last, a.Accepted, reply
	return p.clone()
}

func (p Pushed) clone() Pushed {
	p.Attempts = slices.Clone(p.Attempts)
	return p
}

// what returns the name of a message for the log.
func (m message) what() string { return cmp.Or(m.get("Event"), m.get("MsgType"), "check") }

// Pushes returns the newest 1000 pushes, oldest first. A push is listed before
// its first attempt has an answer.
func (s *Server) Pushes() []Pushed {
	l := &s.pusher.log
	l.mu.Lock()
	defer l.mu.Unlock()
	all := slices.Clone(l.all)
	for i := range all {
		all[i] = all[i].clone()
	}
	return all
}
