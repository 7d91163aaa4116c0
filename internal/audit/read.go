package audit

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"slices"
)

// Entry is one line that was read back. Raw is the line without its line feed.
type Entry struct {
	Time           string   `json:"time"`
	RequestID      string   `json:"requestId"`
	Client         string   `json:"client"`
	Token          string   `json:"token"`
	User           string   `json:"user"`
	Method         string   `json:"method"`
	Path           string   `json:"path"`
	Route          string   `json:"route"`
	Decision       string   `json:"decision"`
	Reason         string   `json:"reason"`
	Failed         []string `json:"failed"`
	Compat         []string `json:"compat"`
	UpstreamStatus int      `json:"upstreamStatus"`
	DurationMs     float64  `json:"durationMs"`
	Raw            []byte   `json:"-"`
}

// Files lists the files of a log, the oldest first.
func Files(path string) ([]string, error) {
	files, err := Rotated(path)
	if err != nil {
		return nil, err
	}
	return append(files, path), nil
}

// Search calls keep for every line of the log, the oldest first, and returns the
// last n entries that it kept, all of them if n is 0. Lines that are no event are
// passed over. mayMatch is a quick look at the raw line, nil means all.
func Search(path string, n int, mayMatch func(raw []byte) bool, keep func(*Entry) bool) ([]Entry, error) {
	files, err := Files(path)
	if err != nil {
		return nil, err
	}
	var found []Entry
	for _, name := range slices.Backward(files) { // newest first, so that n ends it early
		entries, err := searchFile(name, mayMatch, keep)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		found = append(entries, found...)
		if n > 0 && len(found) >= n {
			return found[len(found)-n:], nil
		}
	}
	return found, nil
}

func searchFile(name string, mayMatch func([]byte) bool, keep func(*Entry) bool) ([]Entry, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	var found []Entry
	r := bufio.NewReaderSize(file, 256<<10)
	for {
		line, err := r.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return found, nil
		}
		if err != nil {
			return nil, err
		}
		if mayMatch != nil && !mayMatch(line) {
			continue
		}
		e, ok := ParseEntry(bytes.TrimSuffix(line, []byte{'\n'}))
		if ok && keep(&e) {
			found = append(found, e)
		}
	}
}

// Tail returns the last n entries of the log. It reads no more than it needs.
func Tail(path string, n int) ([]Entry, error) {
	files, err := Files(path)
	if err != nil {
		return nil, err
	}
	var found []Entry
	for _, name := range slices.Backward(files) {
		entries, err := tailFile(name, n-len(found))
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return nil, err
		}
		if found = append(entries, found...); len(found) >= n {
			break
		}
	}
	return found, nil
}

// tailFile reads a file from its end, in pieces that double until they hold n
// entries.
func tailFile(name string, n int) ([]Entry, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	for length := int64(max(n, 1)) * 1024; ; length *= 2 {
		start := max(0, info.Size()-length)
		text := make([]byte, info.Size()-start)
		if _, err := file.ReadAt(text, start); err != nil && !errors.Is(err, io.EOF) {
			return nil, err
		}
		entries := parseLines(text, start > 0)
		if len(entries) >= n || start == 0 {
			return entries[max(0, len(entries)-n):], nil
		}
	}
}

// parseLines reads whole lines; the first is cut where the text begins amid one.
func parseLines(text []byte, amid bool) []Entry {
	var entries []Entry
	for line := range bytes.Lines(text) {
		if amid {
			amid = false
			continue
		}
		if !bytes.HasSuffix(line, []byte{'\n'}) {
			continue // still being written
		}
		if e, ok := ParseEntry(bytes.TrimSuffix(line, []byte{'\n'})); ok {
			entries = append(entries, e)
		}
	}
	return entries
}

// ParseEntry reads one line; false if it is no event.
func ParseEntry(line []byte) (Entry, bool) {
	var e Entry
	if err := json.Unmarshal(line, &e); err != nil || e.Time == "" {
		return Entry{}, false
	}
	e.Raw = line
	return e, true
}

// ByRequestID returns the last entry with this id, or false.
func ByRequestID(path, id string) (Entry, bool, error) {
	needle, err := json.Marshal(id)
	if err != nil {
		return Entry{}, false, err
	}
	found, err := Search(path, 1,
		func(raw []byte) bool { return bytes.Contains(raw, needle) },
		func(e *Entry) bool { return e.RequestID == id })
	if err != nil || len(found) == 0 {
		return Entry{}, false, err
	}
	return found[0], true, nil
}
