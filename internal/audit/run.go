package audit

import "time"

// run is the one goroutine that writes.
func (f *File) run() {
	defer close(f.ended)
	var retry <-chan time.Time
	for {
		select {
		case <-f.wake:
		case <-retry:
		case <-f.quit:
			f.flush()
			return
		}
		retry = nil
		if err := f.flush(); err != nil {
			retry = time.After(f.cfg.Retry)
		}
	}
}

// flush writes all that waits, or probes the file if the last write failed and
// nothing waits. After an error the promised lines stay, those of Record go.
func (f *File) flush() error {
	f.mu.Lock()
	lines, failing := f.held, f.failing
	if lines == 0 && failing == nil {
		f.mu.Unlock()
		return nil
	}
	commits, records, b := f.commits, f.records, f.waiting
	f.commits, f.records, f.waiting = f.out.spareCommits[:0], f.out.spareRecords[:0], nil
	f.mu.Unlock()

	err := f.out.write(commits, records)

	f.mu.Lock()
	if err == nil {
		f.held -= lines
	} else {
		f.held -= countLines(records)
		// What was committed in the meantime comes after what was kept.
		commits = append(commits, f.commits...)
		f.commits, commits = commits, f.commits
	}
	f.failing = err
	f.mu.Unlock()
	f.out.spareCommits, f.out.spareRecords = reusable(commits), reusable(records)

	if b != nil {
		b.err = err
		close(b.done)
	}
	if (err == nil) != (failing == nil) {
		f.cfg.Trouble(err)
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
