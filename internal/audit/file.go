package audit

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// FileConfig says how a file sink writes. The zero value of all but Path works.
type FileConfig struct {
	Path   string           // required; made with mode 0600
	Places int              // lines that may be promised or waiting; 0 means 16384
	Rotate int64            // bytes after which a new file is begun; 0 means never
	Keep   int              // rotated files that are kept; 0 means all
	MaxAge time.Duration    // age at which a rotated file is removed; 0 means never
	Chain  bool             // every line carries the hash of the one before it, see chain.go
	Retry  time.Duration    // pause between attempts while writing fails; 0 means 250 ms
	Now    func() time.Time // nil means time.Now; names rotated files
	// Trouble hears the first error of a run of failures, nil when it is over, and
	// of files that could not be rotated or removed. nil means nobody listens.
	Trouble func(error)
}

// File writes events to one file, a JSON object a line. A line counts as written
// when write(2) has returned: it is then safe from the death of the process. It is
// safe from a power cut when the kernel has flushed it, usually within 30 s; the
// file is synced when it is rotated and closed.
type File struct {
	queue
	path string
}

// OpenFile opens or makes the file, cuts off a last line that a crash left
// unfinished, and starts the writer. Close stops it.
func OpenFile(cfg FileConfig) (*File, error) {
	if cfg.Path == "" {
		return nil, errors.New("audit: OpenFile: Path is required")
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Trouble == nil {
		cfg.Trouble = func(error) {}
	}
	if err := os.MkdirAll(filepath.Dir(cfg.Path), 0o700); err != nil {
		return nil, fmt.Errorf("audit: %w", err)
	}
	w := &writer{cfg: cfg}
	if err := w.open(); err != nil {
		return nil, err
	}
	f := &File{queue{places: cfg.Places, retry: cfg.Retry, trouble: cfg.Trouble}, cfg.Path}
	f.start(w, w.probe())
	return f, nil
}

// Path is the file's name.
func (f *File) Path() string { return f.path }
