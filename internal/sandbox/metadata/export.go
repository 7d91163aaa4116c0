package metadata

import (
	"archive/zip"
	"bufio"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// export is GET /metadata.
func (c *request) export() error {
	f, err := c.exportFormat()
	if err != nil {
		return err
	}
	p, err := c.exportParams()
	if err != nil {
		return err
	}
	return c.send(f, p)
}

// send streams an export. What goes wrong after the first byte breaks the
// connection off, so that nobody takes half an export for a whole one.
func (c *request) send(f exportFormat, p *exportParams) error {
	h := c.w.Header()
	h.Set("Content-Type", f.media)
	if f.suffix != ".json" || c.isTrue("download") {
		h.Set("Content-Disposition", "attachment; filename="+f.file)
	}
	if f.suffix != ".json" {
		h.Set("Content-Transfer-Encoding", "binary")
	}
	c.w.WriteHeader(http.StatusOK)
	if c.r.Method == http.MethodHead {
		return nil
	}
	if err := c.write(c.w, f, p); err != nil {
		panic(http.ErrAbortHandler)
	}
	return nil
}

func (c *request) write(w io.Writer, f exportFormat, p *exportParams) error {
	out := w
	var finish func() error
	switch {
	case strings.HasSuffix(f.suffix, ".gz"):
		z := gzip.NewWriter(w)
		out, finish = z, z.Close
	case strings.HasSuffix(f.suffix, ".zip"):
		z := zip.NewWriter(w)
		entry, err := z.Create(strings.TrimSuffix(f.file, ".zip"))
		if err != nil {
			return fmt.Errorf("begin zip: %w", err)
		}
		out, finish = entry, z.Close
	}
	buf := bufio.NewWriterSize(out, 64<<10)
	var err error
	if strings.HasPrefix(f.suffix, ".xml") {
		err = c.writeXML(buf, p)
	} else {
		err = c.writeExport(buf, p)
	}
	if err != nil {
		return err
	}
	if err := buf.Flush(); err != nil {
		return fmt.Errorf("send export: %w", err)
	}
	if finish != nil {
		return finish()
	}
	return nil
}

// systemOf is the head of an export.
func (s *Service) systemOf() string {
	date := s.now().Format("2006-01-02T15:04:05.000") + "+0000"
	return `{"id":null,"rev":"sandbox","version":"` + s.cfg.Version + `","date":"` + date + `"}`
}

func (c *request) writeExport(w *bufio.Writer, p *exportParams) error {
	_, _ = w.WriteString(`{"system":` + c.s.systemOf()) // bufio keeps the error for Flush
	r := c.s.renderer(c.r.Context(), c.q, c.u, c.base())
	r.excludeDefs, r.skipSharing, r.locale, r.export = p.exclude, p.skipSharing, p.locale, true
	for _, t := range p.types {
		if err := c.writeType(w, r, t); err != nil {
			return err
		}
	}
	return w.WriteByte('}')
}

// writeType sends the objects of one type; a type without any is left out.
func (c *request) writeType(w *bufio.Writer, r *renderer, t exportType) error {
	var b []byte
	any := false
	emit := func(o *object) error {
		var err error
		if b, err = r.object(b[:0], t.sel.typ, o.doc, t.fields); err != nil {
			return err
		}
		if any {
			_ = w.WriteByte(',')
		} else {
			_, _ = w.WriteString(`,"` + t.sel.typ.plural + `":[`)
			any = true
		}
		_, err = w.Write(b)
		return err
	}
	if err := c.exportEach(t, emit); err != nil {
		return err
	}
	if any {
		return w.WriteByte(']')
	}
	return nil
}

func (c *request) exportEach(t exportType, emit func(*object) error) error {
	ctx := c.r.Context()
	if !t.sorted {
		return c.s.each(ctx, c.q, t.sel, emit)
	}
	list, err := c.s.find(ctx, c.q, t.sel)
	if err != nil {
		return err
	}
	for _, f := range list {
		o, err := loadSeq(ctx, c.q, t.sel.typ, f.seq)
		if err != nil {
			return err
		}
		if err := emit(o); err != nil {
			return err
		}
	}
	return nil
}

// Export writes what GET /metadata with the query would answer, as user u: the
// command that exports a sandbox without a server.
func (s *Service) Export(ctx context.Context, u *User, query url.Values, w io.Writer) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "/api/metadata.json", nil)
	if err != nil {
		return fmt.Errorf("export: %w", err)
	}
	c := &request{s: s, r: r, u: u, query: query, seg: []string{"metadata"}, suffix: ".json"}
	return c.withState(func() error {
		p, err := c.exportParams()
		if err != nil {
			return err
		}
		return c.write(w, exportFormats[0], p)
	})
}
