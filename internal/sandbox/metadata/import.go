package metadata

import (
	"archive/zip"
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"

	"github.com/d2gate/d2gate/internal/dhis2"
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

// metadataActions are the paths below /metadata.
func (c *request) metadataActions() actions {
	switch strings.Join(c.seg[1:], "/") {
	case "":
		return actions{http.MethodGet: c.export, http.MethodPost: c.importJSON}
	case "sharing":
		return actions{http.MethodPatch: c.json(c.bulkSharingOfAll)}
	case "gml":
		return actions{http.MethodPost: c.json(c.importGML)}
	case "csvImportClasses":
		return actions{http.MethodGet: c.json(c.csvClasses)}
	}
	return nil
}

func (c *request) csvClasses() error {
	return c.value(http.StatusOK, csvClasses)
}

// csvClasses are the types that DHIS2 imports as CSV (CsvImportClass.java).
var csvClasses = []string{"DATA_ELEMENT", "DATA_ELEMENT_GROUP", "DATA_ELEMENT_GROUP_MEMBERSHIP", "INDICATOR_GROUP_MEMBERSHIP", "CATEGORY_OPTION", "CATEGORY", "CATEGORY_COMBO", "CATEGORY_OPTION_GROUP", "ORGANISATION_UNIT", "ORGANISATION_UNIT_GROUP", "ORGANISATION_UNIT_GROUP_MEMBERSHIP", "VALIDATION_RULE", "OPTION_SET", "OPTION_GROUP", "OPTION_GROUP_SET", "OPTION_GROUP_SET_MEMBERSHIP"}

// importJSON is POST /metadata.
func (c *request) importJSON() error {
	if c.suffix != "" && c.suffix != ".json" && !(c.suffix == ".xml" && c.s.speaksXML()) {
		return &problem.Page{Status: http.StatusUnsupportedMediaType}
	}
	if c.suffix == "" && !c.acceptsJSON() && !c.s.speaksXML() {
		return &problem.Page{Status: http.StatusNotAcceptable}
	}
	isXML := c.s.speaksXML() && strings.HasPrefix(c.r.Header.Get("Content-Type"), "application/xml")
	if !isXML {
		if err := c.mediaType("application/json", "application/csv"); err != nil {
			return err
		}
	}
	if strings.HasPrefix(c.r.Header.Get("Content-Type"), "application/csv") {
		return c.importCSV()
	}
	switch c.query.Get("importStrategy") {
	case "SYNC", "NEW", "NEW_AND_UPDATES", "UPDATES", "DELETES":
		return problem.New(http.StatusInternalServerError, "", "Cannot invoke \"java.util.List.iterator()\" because \"validationChecks\" is null")
	}
	return c.importStaged(func(g *stage) error {
		body, err := unpack(http.MaxBytesReader(c.w, c.r.Body, maxImport))
		if err != nil {
			return err
		}
		read := g.read
		if isXML {
			read = g.readXML
		}
		if err := read(body); err != nil {
			return unreadable(err)
		}
		return nil
	})
}

// importStaged imports what read puts on the stage, and answers.
func (c *request) importStaged(read func(*stage) error) error {
	work := func() (importReport, error) {
		g := c.s.newStage()
		defer g.close()
		if err := read(g); err != nil {
			return importReport{}, err
		}
		return c.s.run(c.r.Context(), c.importParams(), g)
	}
	if c.isTrue("async") {
		return c.later(work)
	}
	rep, err := work()
	if err != nil {
		return err
	}
	return c.importAnswer(rep)
}

func (c *request) importAnswer(rep importReport) error {
	if c.s.wrapsReport(c.r.URL.Path) {
		if rep.Status != dhis2.StatusOK {
			return c.message(dhis2.NewMessage(http.StatusConflict, dhis2.StatusWarning, dhis2.ErrorsInReport).WithResponse(rep))
		}
		return c.message(dhis2.OK("").WithResponse(rep))
	}
	status := http.StatusOK
	if rep.Status != dhis2.StatusOK {
		status = http.StatusConflict
	}
	return c.value(status, rep)
}

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

// read stages a payload: {"<plural>": [objects]}. What is no object, no type or no
// list is passed over, as DHIS2 does; what is no JSON is a *jsonError.
func (g *stage) read(r io.Reader) error {
	s := newScanner(r)
	b, ok, err := s.skipSpace()
	if err != nil || !ok {
		return err
	}
	if b != '{' {
		if err := s.value(0); err != nil {
			return err
		}
		return s.drain()
	}
	f, err := s.open(b, 0)
	if err != nil {
		return err
	}
	for first := true; ; first = false {
		more, err := s.more(f, first)
		if err != nil {
			return err
		}
		if !more {
			return s.drain()
		}
		name, err := s.key(f)
		if err != nil {
			return err
		}
		if err := g.readMember(s, name); err != nil {
			return err
		}
	}
}

func (g *stage) readMember(s *scanner, name string) error {
	typ := g.s.cat.byPlural[name]
	b, _, err := s.skipSpace()
	if err != nil {
		return err
	}
	if typ == nil || !typ.stored() || b != '[' {
		return s.value(1)
	}
	f, err := s.open(b, 1)
	if err != nil {
		return err
	}
	for first := true; ; first = false {
		more, err := s.more(f, first)
		if err != nil || !more {
			return err
		}
		raw, err := s.capture(2)
		if err != nil {
			return err
		}
		if err := g.readObject(typ, raw); err != nil {
			return err
		}
	}
}

func (g *stage) readObject(typ *schema, raw []byte) error {
	if len(raw) > 0 && raw[0] == '{' {
		return g.add(typ, raw)
	}
	v, err := parseAny(raw)
	if err != nil || v == nil {
		return err
	}
	switch v := v.(type) {
	case string:
		return problem.Plain409("Cannot construct instance of `%s` (although at least one Creator exists): no String-argument constructor/factory method to deserialize from String value ('%s')\n at [Source: UNKNOWN; byte offset: #UNKNOWN]", typ.className(), v)
	case json.Number:
		return problem.Plain409("Cannot construct instance of `%s` (although at least one Creator exists): no int/Int-argument constructor/factory method to deserialize from Number value (%s)\n at [Source: UNKNOWN; byte offset: #UNKNOWN]", typ.className(), v)
	}
	what, token := tokenOf(v)
	return problem.Plain409("Cannot deserialize value of type `%s` from %s (token `JsonToken.%s`)\n at [Source: UNKNOWN; byte offset: #UNKNOWN]", typ.className(), what, token)
}

// ImportResult is what Import did: the report as DHIS2 prints it, and its status.
type ImportResult struct {
	Status string // OK, WARNING or ERROR
	Stats  dhis2.ImportStats
	Report []byte // JSON of the whole report
}

// Import reads a payload (plain, gzip or zip) and stores it as user u, as POST
// /metadata with these parameters would. Progress is told now and then how many
// steps of how many are done; nil means nobody listens.
func (s *Service) Import(ctx context.Context, u *User, params map[string]string, r io.Reader, progress func(done, total int)) (ImportResult, error) {
	g := s.newStage()
	defer g.close()
	body, err := unpack(r)
	if err != nil {
		return ImportResult{}, err
	}
	if err := g.read(body); err != nil {
		return ImportResult{}, fmt.Errorf("read payload: %w", err)
	}
	c := &request{s: s, u: u, query: map[string][]string{}}
	for k, v := range params {
		c.query.Set(k, v)
	}
	p := c.importParams()
	p.progress = progress
	rep, err := s.run(ctx, p, g)
	if err != nil {
		return ImportResult{}, err
	}
	raw, err := dhis2.EncodeJSON(rep)
	return ImportResult{rep.Status, rep.Stats, raw}, err
}
