package metadata

import (
	"archive/zip"
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"

	"github.com/d2gate/d2gate/internal/sandbox/problem"
)

// Limits of an import's body. A compressed body may not unfold to more than a
// hundred times its size (and 16 MiB are always allowed), nor to more than 4 GiB.
const (
	maxImport     = 4 << 30
	maxRatio      = 100
	freeUnpacked  = 16 << 20
	maxZipEntries = 100
)

// unreadable turns what is wrong with a body into an answer.
func unreadable(err error) error {
	if _, ok := errors.AsType[*jsonError](err); ok || problem.From(err) != nil || isMemberError(err) {
		return err
	}
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return err
	}
	if errors.Is(err, errBomb) {
		return problem.New(http.StatusRequestEntityTooLarge, "", "The compressed body unfolds to too much")
	}
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, gzip.ErrHeader) || errors.Is(err, gzip.ErrChecksum) || errors.Is(err, zip.ErrFormat) || errors.Is(err, zip.ErrChecksum) || errors.Is(err, zip.ErrAlgorithm) {
		return problem.BadRequest("The body is not complete: %s", err)
	}
	return problem.BadRequest("I/O error while reading input message: %s", err)
}

func isMemberError(err error) bool {
	_, ok := errors.AsType[*memberError](err)
	return ok
}

// errBomb says that a compressed body unfolds to far more than it is.
var errBomb = errors.New("metadata: compressed body unfolds to too much")

// counter counts what is read.
type counter struct {
	r io.Reader
	n int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// bounded reads an unpacked body and stops a bomb.
type bounded struct {
	r      io.Reader
	packed *counter
	n      int64
}

func (b *bounded) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	b.n += int64(n)
	if b.n > maxImport || b.n > freeUnpacked && b.n > maxRatio*b.packed.n {
		return 0, errBomb
	}
	return n, err
}

// unpack finds out by the first bytes whether a body is gzip or zip, and unpacks it
// as it is read.
func unpack(r io.Reader) (io.Reader, error) {
	c := &counter{r: r}
	buf := bufio.NewReader(c)
	head, err := buf.Peek(4)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, unreadable(err)
	}
	switch {
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
		z, err := gzip.NewReader(buf)
		if err != nil {
			return nil, unreadable(err)
		}
		return &bounded{r: z, packed: c}, nil
	case bytes.HasPrefix(head, []byte("PK\x03\x04")):
		return unzip(buf)
	}
	return buf, nil
}

// unzip keeps a zip in a nameless file, for its directory is at its end, and reads
// its first entry.
func unzip(r io.Reader) (io.Reader, error) {
	f, err := os.CreateTemp("", "d2gate-import-*")
	if err != nil {
		return nil, fmt.Errorf("keep import: %w", err)
	}
	if err := os.Remove(f.Name()); err != nil {
		_ = f.Close() // the error that counts is the first
		return nil, fmt.Errorf("keep import: %w", err)
	}
	n, err := io.Copy(f, r)
	if err != nil {
		_ = f.Close()
		return nil, unreadable(err)
	}
	z, err := zip.NewReader(f, n)
	if err != nil || len(z.File) == 0 || len(z.File) > maxZipEntries {
		_ = f.Close()
		return nil, problem.BadRequest("The body is not a zip file with one entry")
	}
	entry, err := z.File[0].Open()
	if err != nil {
		_ = f.Close()
		return nil, unreadable(err)
	}
	return &bounded{r: &closing{entry, f}, packed: &counter{n: n}}, nil
}

// closing closes the file behind it at the end.
type closing struct {
	io.Reader
	f *os.File
}

func (c *closing) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	if err != nil {
		_ = c.f.Close() // it was only read
	}
	return n, err
}
