package pat

import (
	"crypto/sha256"
	"fmt"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
)

// key is the SHA-256 of a token's text.
type key = [sha256.Size]byte

// entry is what the store said of a hash.
type entry struct {
	lookup  *Lookup   // nil: no such token
	asked   time.Time // before the question
	changes uint64    // the verifier's count at the question
}

// liveAt reports whether the entry names a token, and if its secret was rotated
// out, whether the overlap still lasts.
func (e *entry) liveAt(now time.Time) bool {
	return e.lookup != nil && (!e.lookup.Rotated || now.Before(e.lookup.Record.OverlapEnds))
}

// records is the cache: known tokens, and apart from them unknown hashes, so that
// guesses cannot push tokens out. Reading is safe at any time; the verifier's mutex
// is held while something is added or forgotten.
type records struct {
	known   *lru.Cache[key, *entry]
	unknown *lru.Cache[key, *entry]
	byUID   map[string][]key // of what is in known; rarely more than two
}

func newRecords(known, unknown int) (*records, error) {
	c := &records{byUID: map[string][]key{}}
	var err error
	if c.known, err = lru.NewWithEvict(known, c.evicted); err != nil {
		return nil, fmt.Errorf("make token cache: %w", err)
	}
	if c.unknown, err = lru.New[key, *entry](unknown); err != nil {
		return nil, fmt.Errorf("make token cache: %w", err)
	}
	return c, nil
}

// add keeps what is known of a hash in the place where it belongs.
func (c *records) add(k key, e *entry) {
	c.known.Remove(k) // and from the index
	if e.lookup == nil {
		c.unknown.Add(k, e)
		return
	}
	c.unknown.Remove(k)
	uid := e.lookup.Record.UID
	c.byUID[uid] = append(c.byUID[uid], k)
	c.known.Add(k, e)
}

// evicted keeps the index as small as the cache.
func (c *records) evicted(k key, e *entry) {
	uid := e.lookup.Record.UID
	keys := c.byUID[uid]
	for i, have := range keys {
		if have == k {
			keys = append(keys[:i], keys[i+1:]...)
			break
		}
	}
	if len(keys) == 0 {
		delete(c.byUID, uid)
		return
	}
	c.byUID[uid] = keys
}

func (c *records) forget(uid string) {
	for _, k := range append([]key(nil), c.byUID[uid]...) {
		c.known.Remove(k) // calls evicted
	}
}

func (c *records) purge() {
	c.known.Purge()
	c.unknown.Purge()
}
