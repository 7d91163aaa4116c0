package pat

import "sync/atomic"

// Stats are counts of a verifier since its start.
type Stats struct {
	Garbage      int64 // texts that are no token; they cost no look-up
	Lookups      int64 // texts that are one: Hits + NegativeHits + Misses
	Hits         int64 // answered by a cached record
	NegativeHits int64 // answered by a cached "no such token"
	Misses       int64 // asked of the store, several at a time by one question
	Errors       int64 // questions that the store did not answer
	Entries      int   // records in the cache now
	DroppedUses  int64 // last uses left out because too many were pending
}

type counters struct {
	garbage, lookups, hits, negativeHits, misses, errors atomic.Int64
}

func (c *counters) read(v *Verifier) Stats {
	return Stats{
		Garbage:      c.garbage.Load(),
		Lookups:      c.lookups.Load(),
		Hits:         c.hits.Load(),
		NegativeHits: c.negativeHits.Load(),
		Misses:       c.misses.Load(),
		Errors:       c.errors.Load(),
		Entries:      v.cache.known.Len(),
		DroppedUses:  v.uses.droppedUses(),
	}
}
