package follow

import (
	"hash/maphash"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/internal/limit"
)

// maxAnswers bounds the answers in memory.
const maxAnswers = 65536

// Memory is what a gateway remembers across reloads: the last answers, and what
// limits the questions. It holds no openid, but hashes with a secret of the
// process. The zero value is ready.
type Memory struct {
	mu       sync.RWMutex
	seeds    [2]maphash.Seed
	answers  map[answerKey]answer
	accounts map[string]*line // by app id; bounded by what was ever configured

	rechecking bool      // a question of Recheck runs
	rechecked  time.Time // when it began

	flights singleflight.Group
	again   limit.Keyed
}

// answerKey is a hash of app id and openid.
type answerKey [2]uint64

// answer is what is known about one person.
type answer struct {
	follow ledger.Follow
	at     time.Time         // when WeChat was asked, or the push arrived
	mark   ledger.FollowMark // what the ledger had when WeChat was asked

	refused error     // WeChat refuses questions about this person, but not about others
	until   time.Time // it is not asked about the person before this
}

func (a answer) yes() bool { return a.follow == ledger.Follows }

// life is how long the answer is fresh.
func (a answer) life() time.Duration {
	if a.yes() {
		return FreshYes
	}
	return FreshNo
}

func (a answer) fresh(now time.Time) bool { return a.younger(now, a.life()) }

func (a answer) holds(now time.Time) bool { return a.younger(now, HoldsFor) }

// younger reports whether there is an answer that is younger than limit. One
// from the future is none: it would never grow old.
func (a answer) younger(now time.Time, limit time.Duration) bool {
	age := now.Sub(a.at)
	return a.follow != ledger.FollowUnknown && age >= -maxSkew && age < limit
}

// last returns the last answer about an account: the one in memory, unless the
// ledger has learnt something else since.
func (m *Memory) last(a *ledger.Account) answer {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if m.answers != nil {
		if kept, ok := m.answers[m.key(a)]; ok && kept.mark == a.FollowMark() {
			return kept
		}
	}
	return answer{follow: a.Follow, at: a.FollowAt, mark: a.FollowMark()}
}

// put keeps an answer.
func (m *Memory) put(a *ledger.Account, kept answer) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.answers == nil {
		m.answers = make(map[answerKey]answer)
		m.seeds = [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()}
	}
	// The memory is full: drop an arbitrary eighth. Map order is random enough,
	// and a dropped answer costs a question.
	if len(m.answers) >= maxAnswers {
		left := maxAnswers / 8
		for k := range m.answers {
			delete(m.answers, k)
			if left--; left == 0 {
				break
			}
		}
	}
	m.answers[m.key(a)] = kept
}

// drop forgets an answer.
func (m *Memory) drop(a *ledger.Account) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.answers != nil {
		delete(m.answers, m.key(a))
	}
}

// key returns the key of an account. The seeds are set.
func (m *Memory) key(a *ledger.Account) (key answerKey) {
	for i, seed := range m.seeds {
		var h maphash.Hash
		h.SetSeed(seed)
		_, _ = h.WriteString(a.AppID)
		_ = h.WriteByte(0)
		_, _ = h.WriteString(a.OpenID)
		key[i] = h.Sum64()
	}
	return key
}

// line returns what limits the questions about an account.
func (m *Memory) line(appID string) *line {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.accounts == nil {
		m.accounts = make(map[string]*line)
	}
	if m.accounts[appID] == nil {
		m.accounts[appID] = newLine()
	}
	return m.accounts[appID]
}
