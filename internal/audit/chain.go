package audit

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
)

// link is one hash of the chain: SHA-256 over the link before it and the line
// without its chain member. The first link of all follows 32 zero bytes.
type link [sha256.Size]byte

const (
	chainKey    = `,"chain":"`
	chainSuffix = len(chainKey) + 2*sha256.Size + len("\"}\n")
)

// appendChained appends line (an object and a line feed) with its chain member.
func appendChained(b, line []byte, prev link) ([]byte, link) {
	next := follow(prev, line)
	b = append(b, line[:len(line)-2]...)
	b = append(b, chainKey...)
	b = hex.AppendEncode(b, next[:])
	return append(b, '"', '}', '\n'), next
}

func follow(prev link, line []byte) (next link) {
	h := sha256.New()
	h.Write(prev[:])
	h.Write(line)
	h.Sum(next[:0])
	return next
}

// unchain splits a line into its text without the chain member and its link.
func unchain(line []byte) (plain []byte, l link, ok bool) {
	at := len(line) - chainSuffix
	if at <= 0 || !bytes.HasPrefix(line[at:], []byte(chainKey)) {
		return line, link{}, false
	}
	if _, err := hex.Decode(l[:], line[at+len(chainKey):len(line)-len("\"}\n")]); err != nil {
		return line, link{}, false
	}
	return append(bytes.Clone(line[:at]), '}', '\n'), l, true
}

func linkOf(line []byte) (link, bool) {
	_, l, ok := unchain(line)
	return l, ok
}

// ErrBroken is in the chain of errors of Verify when a line was changed, removed
// or put in.
var ErrBroken = errors.New("the chain is broken")

// Verified is what Verify found.
type Verified struct {
	Lines   int    // all lines
	Chained int    // lines with a link that fits
	Head    string // hex of the last link; note it elsewhere to notice a cut end
}

// Verify reads the rotated files of path and path itself, oldest first, and
// follows the chain. Lines before the first link, and after chaining was switched
// off, are counted but not vouched for; a link that does not fit is ErrBroken
// with file and line. The first link is taken as it stands, since older files may
// have been removed by keep. A chain cannot show that its end was cut off:
// compare Head.
func Verify(path string) (Verified, error) {
	files, err := Rotated(path)
	if err != nil {
		return Verified{}, err
	}
	v := verifier{}
	for _, name := range append(files, path) {
		if err := v.file(name); err != nil {
			return v.Verified, err
		}
	}
	if v.begun {
		v.Head = hex.EncodeToString(v.prev[:])
	}
	return v.Verified, nil
}

type verifier struct {
	Verified
	prev  link
	begun bool
}

func (v *verifier) file(name string) error {
	file, err := os.Open(name)
	if err != nil {
		return err
	}
	defer file.Close()
	r := bufio.NewReaderSize(file, 256<<10)
	for n := 1; ; n++ {
		line, err := r.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return nil // a torn last line was never acknowledged
		}
		if err != nil {
			return err
		}
		if err := v.line(line); err != nil {
			return fmt.Errorf("%s:%d: %w", name, n, err)
		}
	}
}

func (v *verifier) line(line []byte) error {
	v.Lines++
	plain, l, ok := unchain(line)
	switch {
	case !ok && v.begun:
		return fmt.Errorf("%w: this line has no link", ErrBroken)
	case !ok:
		return nil
	case v.begun && follow(v.prev, plain) != l:
		return fmt.Errorf("%w: this line does not follow the one before it", ErrBroken)
	case !v.begun && v.Lines == 1 && follow(link{}, plain) != l:
		// The start of the chain is in a file that is gone; the next line is checked.
	}
	v.prev, v.begun = l, true
	v.Chained++
	return nil
}
