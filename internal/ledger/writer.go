package ledger

import (
	"errors"
	"fmt"
	"runtime/debug"
	"sync"

	bolt "go.etcd.io/bbolt"
)

// maxGroup bounds how many writes share one transaction.
const maxGroup = 256

// writer puts the writes that arrive while the disk is busy into one transaction and one sync. Unlike bbolt's Batch it
// adds no delay to a lone write, and a panic during the commit does not end the process.
type writer struct {
	db *bolt.DB

	mu     sync.Mutex
	queue  []*write
	busy   bool       // a goroutine is at work on the queue
	idle   *sync.Cond // busy became false
	closed bool
	broken bool // bbolt died in a commit with its lock held
}

// write is one caller's part of a transaction.
type write struct {
	// do works within the transaction and reports whether it wrote anything. It may run more than once: if another
	// part of the group fails, the rest runs again without it.
	do func(tx *bolt.Tx) (bool, error)
	// then runs once after a successful commit, before the caller goes on. May be nil.
	then func()

	done chan error
}

func newWriter(db *bolt.DB) *writer {
	w := &writer{db: db}
	w.idle = sync.NewCond(&w.mu)
	return w
}

// run hands a write in and waits for it.
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
	switch {
	case w.closed:
		return ErrClosed
	case w.broken:
		return corrupt("an earlier write failed; the ledger takes no more until it is restarted")
	}
	w.queue = append(w.queue, job)
	if !w.busy {
		w.busy = true
		go w.work()
	}
	return nil
}

// work empties the queue and ends.
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

// close takes no more writes, waits for those it took, and closes the file.
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
	if w.broken { // bbolt's Close would wait for its lock for ever
		return corrupt("an earlier write failed; the file stays locked until the process ends")
	}
	return outcome(w.db.Close())
}

// errNothing rolls a transaction back in which nobody wrote anything: it need not touch the disk.
var errNothing = errors.New("nothing to write")

// commit carries a group out. A part that fails is answered and taken out, and the others run again: none of its
// writes may be kept, and none of theirs may be lost.
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

// try runs a group in one transaction. failed is the part that made it fail, -1 if it was none of them.
func (w *writer) try(group []*write) (failed int, err error) {
	failed = -1
	var last *bolt.Tx
	err = guard(func() error {
		return w.db.Update(func(tx *bolt.Tx) error {
			last = tx
			wrote := false
			for i, job := range group {
				err := guard(func() error {
					dirty, err := job.do(tx)
					wrote = wrote || dirty
					return err
				})
				if err != nil {
					failed = i
					return err
				}
			}
			if !wrote {
				return errNothing
			}
			return nil
		})
	})
	if last != nil && last.DB() != nil { // the transaction was not ended: a panic in the commit and in its rollback
		w.mu.Lock()
		w.broken = true
		w.mu.Unlock()
	}
	return failed, err
}

// guard turns a panic of bbolt into ErrCorrupt. A damaged page makes bbolt panic, and a file that shrank under its
// memory map makes the processor fault; neither may take the web server down.
func guard(fn func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%w: the file cannot be read: %v", ErrCorrupt, r)
		}
	}()
	return fn()
}
