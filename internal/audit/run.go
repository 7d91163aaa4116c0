package audit

import "time"

// run is the one goroutine that writes.
func (q *queue) run() {
	defer close(q.ended)
	var retry <-chan time.Time
	for {
		select {
		case <-q.wake:
		case <-retry:
		case <-q.quit:
			q.flush()
			return
		}
		retry = nil
		if err := q.flush(); err != nil {
			retry = time.After(q.retry)
		}
	}
}

// flush writes all that waits, or probes the pen if the last write failed and
// nothing waits. After an error the promised lines stay, those of Record go.
func (q *queue) flush() error {
	q.mu.Lock()
	lines, failing := q.held, q.failing
	if lines == 0 && failing == nil {
		q.mu.Unlock()
		return nil
	}
	commits, records, b := q.commits, q.records, q.waiting
	q.commits, q.records, q.waiting = q.spare[0][:0], q.spare[1][:0], nil
	q.mu.Unlock()

	err := q.pen.write(commits, records)

	q.mu.Lock()
	if err == nil {
		q.held -= lines
	} else {
		q.held -= countLines(records)
		// What was committed in the meantime comes after what was kept.
		commits = append(commits, q.commits...)
		q.commits, commits = commits, q.commits
	}
	q.failing = err
	q.mu.Unlock()
	q.spare = [2][]byte{reusable(commits), reusable(records)}

	if b != nil {
		b.err = err
		close(b.done)
	}
	if (err == nil) != (failing == nil) {
		q.trouble(err)
	}
	return err
}

// maxSpare is the largest buffer kept for the next batch, in bytes.
const maxSpare = 1 << 20

func reusable(b []byte) []byte {
	if cap(b) > maxSpare {
		return nil
	}
	return b[:0]
}

func countLines(b []byte) (n int) {
	for _, c := range b {
		if c == '\n' {
			n++
		}
	}
	return n
}
