package session

import "iter"

// maxBeside is how many of those before it a Near looks back at.
const maxBeside = 8

// opener is a Store that can tell by itself, without asking anybody, whether its
// keys open a value.
type opener interface {
	Opens(value string, b Binding) bool
}

// Beside returns a Near over another store with another policy, for a
// configuration that comes after n's. Both share bounds, channel and memory, but
// neither believes what the other was told: each asks its own store. Only while
// that one is unavailable does the newer go on with what an older one was told, if
// the newer store's keys open the value and its policy lets the session live. So
// nobody notices that keys changed while Redis was down, and a key that was taken
// away opens nothing. A store that cannot say what its keys open gives up that.
//
// Start and Close are for all that share a memory: call those of the first.
func (n *Near) Beside(store Store, policy Policy) *Near {
	first := n
	if n.of != nil {
		first = n.of
	}
	return &Near{
		Store: store, Policy: policy, Bus: first.Bus, MaxEntries: first.MaxEntries,
		Stale: first.Stale, Fresh: first.Fresh, StaleIfDown: first.StaleIfDown, Logger: first.Logger,
		of: first, view: first.own.views.Add(1),
	}
}

// memory is what is shared.
func (n *Near) memory() *nearMemory {
	if n.of != nil {
		return &n.of.own
	}
	return &n.own
}

// known returns what is remembered of a value: by this Near or, if it would open
// it too, by one before it.
func (n *Near) known(k nearKey) *entry {
	if e := n.memory().cache.get(k); e != nil || k.view == 0 {
		return e
	}
	for elder := range k.back() {
		e := n.memory().cache.get(elder)
		if e == nil {
			continue
		}
		// Attack: a stolen key is taken out of the configuration, and what was
		// made with it goes on from memory.
		if o, ok := n.Store.(opener); ok && o.Opens(k.value, k.binding) {
			return e
		}
		return nil
	}
	return nil
}

// back yields the key itself, then that of the view before, and so on.
func (k nearKey) back() iter.Seq[nearKey] {
	return func(yield func(nearKey) bool) {
		for range maxBeside + 1 {
			if !yield(k) || k.view == 0 {
				return
			}
			k.view--
		}
	}
}
