package boltledger

import (
	"errors"
	"sync"

	bolt "go.etcd.io/bbolt"

	"github.com/caddy-wechat/gateway/internal/ledger"
)

// maxGroup is how many writes share one transaction at most.
const maxGroup = 256

// writer puts writes that arrive while the disk is busy into one transaction
// and one sync. Unlike bbolt's Batch it does not delay a single write, and a
// panic during the commit does not end the process.
type writer struct {
	file *file

	mu     sync.Mutex
	queue  []*write
	busy   bool       // a goroutine works on the queue
	idle   *sync.Cond // busy became false
	closed bool
}

// write is one caller's part of a transaction.
type write struct {
	// do runs within the transaction and reports whether it wrote anything. It
	// may run more than once: if another part of the group fails, the rest runs
	// again without that part.
	do func(tx *bolt.Tx) (bool, error)
	// then runs once after a successful commit, before the caller goes on. May
	// be nil.
	then func()

	done chan error
}

func newWriter(f *file) *writer {
	w := &writer{file: f}
	w.idle = sync.NewCond(&w.mu)
	return w
}

// run queues a write and waits for it.
func (w *writer) run(do func(tx *bolt.Tx) (bool, error), then func()) error {
	job := &write{do: do, then: then, done: make(chan error, 1)}
	if err := w.submit(job); err != nil {
		return err
	}
	return <-job.done
}

func (w *writer) submit(job *write) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return ledger.ErrClosed
	}
	w.queue = append(w.queue, job)
	if !w.busy {
		w.busy = true
		go w.work()
	}
	return nil
}

// work carries out the queued writes, then ends.
func (w *writer) work() {
	for {
		group := w.next()
		if len(group) == 0 {
			return
		}
		w.commit(group)
	}
}

func (w *writer) next() []*write {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := min(len(w.queue), maxGroup)
	group := w.queue[:n:n]
	w.queue = w.queue[n:]
	if n == 0 {
		w.queue, w.busy = nil, false
		w.idle.Broadcast()
	}
	return group
}

// close refuses new writes, waits for those that were accepted, and closes the
// file.
func (w *writer) close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return nil
	}
	w.closed = true
	for w.busy {
		w.idle.Wait()
	}
	return w.file.close()
}

// errNothing rolls back a transaction in which no part wrote anything: it need
// not touch the disk.
var errNothing = errors.New("nothing to write")

// commit carries out a group. A part that fails gets its error and is removed,
// and the others run again, so that none of its writes is kept and none of the
// others' is lost.
func (w *writer) commit(group []*write) {
	for len(group) > 0 {
		failed, err := w.try(group)
		if failed >= 0 {
			group[failed].done <- outcome(err)
			group = append(group[:failed:failed], group[failed+1:]...)
			continue
		}
		if errors.Is(err, errNothing) {
			err = nil
		}
		for _, job := range group {
			if err == nil && job.then != nil {
				job.then()
			}
		}
		for _, job := range group {
			job.done <- outcome(err)
		}
		return
	}
}

// try runs a group in one transaction. failed is the part that made it fail, -1
// if no part did.
func (w *writer) try(group []*write) (failed int, err error) {
	at := -1
	err = w.file.update(func(tx *bolt.Tx) error {
		wrote := false
		for i, job := range group {
			at = i // remains set if this part fails or panics
			dirty, err := job.do(tx)
			if err != nil {
				return err
			}
			wrote = wrote || dirty
		}
		at = -1
		if !wrote {
			return errNothing
		}
		return sign(tx)
	})
	return at, err
}
