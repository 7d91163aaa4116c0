package main

import (
	"context"
	"crypto/sha256"
	"os"
	"path/filepath"
	"time"

	"github.com/fsnotify/fsnotify"
)

const (
	settle = 250 * time.Millisecond // an editor writes more than once
	look   = 30 * time.Second       // NFS and missed events
)

// fileChanges tells when the text of the configuration has changed, until ctx
// ends: by events of its folder (so that a file that is replaced, or a ConfigMap
// that is swapped, is seen) and by a look at it now and then.
func (s *server) fileChanges(ctx context.Context) <-chan struct{} {
	changed := make(chan struct{}, 1)
	if s.cfg.File == "" {
		return changed
	}
	events, errs, stop := s.watchFolder()
	go func() {
		defer stop()
		seen := fileDigest(s.cfg.File)
		var settled <-chan time.Time
		tick := time.NewTicker(look)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case e := <-events:
				if settled == nil && s.aboutConfig(e.Name) {
					settled = time.After(settle)
				}
				continue
			case err := <-errs:
				s.log.Warn("watching the configuration", "error", err)
				continue
			case <-settled:
				settled = nil
			case <-tick.C:
			}
			if now := fileDigest(s.cfg.File); now != seen {
				seen = now
				select {
				case changed <- struct{}{}:
				default: // one is waiting already
				}
			}
		}
	}()
	return changed
}

// watchFolder watches the folder of the file; where that cannot be done, the look
// now and then has to do.
func (s *server) watchFolder() (<-chan fsnotify.Event, <-chan error, func()) {
	w, err := fsnotify.NewWatcher()
	if err == nil {
		if err = w.Add(filepath.Dir(s.cfg.File)); err == nil {
			return w.Events, w.Errors, func() { _ = w.Close() } // nothing is lost with it
		}
		_ = w.Close() // the first error is told
	}
	s.log.Warn("the configuration is looked at every 30 s only", "error", err)
	return nil, nil, func() {}
}

// aboutConfig reports whether an event in the folder may be about the file: its own
// name, or ..data, through which Kubernetes swaps all files of a ConfigMap at once.
// The store and the log may lie in the same folder, and are written all the time.
func (s *server) aboutConfig(name string) bool {
	base := filepath.Base(name)
	return base == filepath.Base(s.cfg.File) || base == "..data"
}

// fileDigest is the hash of a file's text; the zero hash while it cannot be read,
// as in the middle of a replacement.
func fileDigest(path string) [sha256.Size]byte {
	text, err := os.ReadFile(path)
	if err != nil {
		return [sha256.Size]byte{}
	}
	return sha256.Sum256(text)
}
