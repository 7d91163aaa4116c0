package metadata

import (
	"archive/zip"
	"bufio"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/d2gate/d2gate/internal/sandbox/problem"
)

// exportType is what an export asks of one type.
type exportType struct {
	sel    *selection
	fields *node
	sorted bool // an order was asked; otherwise objects leave as they were made
}

// exportParams are the parameters of GET /metadata (2.44 DefaultMetadataExportService).
type exportParams struct {
	types       []exportType
	skipSharing bool
	locale      string // language of display members, "" for the database's
	exclude     bool
}

// exportable lists the types of an export that names none.
func (s *Service) exportable() []*schema {
	var out []*schema
	for _, t := range s.cat.schemas {
		if t.stored() && t.singular != "dashboardItem" {
			out = append(out, t)
		}
	}
	return out
}

// exportParams reads the parameters; errors are worded as DHIS2 words them here.
func (c *request) exportParams() (*exportParams, error) {
	selected := c.selectedTypes()
	if err := c.mayExport(selected); err != nil {
		return nil, err
	}
	p := &exportParams{skipSharing: c.isTrue("skipSharing"), locale: c.exportLocale()}
	switch d := c.query.Get("defaults"); d {
	case "", "INCLUDE":
	case "EXCLUDE":
		p.exclude = true
	default:
		return nil, problem.BadRequest("No enum constant org.hisp.dhis.fieldfilter.Defaults.%s", d)
	}
	all := len(selected) == 0
	if all {
		selected = c.s.exportable()
	}
	for _, t := range selected {
		et, ok, err := c.exportType(t, all)
		if err != nil {
			return nil, err
		}
		if ok {
			et.sel.dropDefs = p.exclude
			p.types = append(p.types, et)
		}
	}
	return p, nil
}

func (c *request) exportLocale() string {
	if c.isTrue("translate") {
		return c.query.Get("locale")
	}
	return ""
}

// selectedTypes are those that are named: <plural>=true, or any of its own parameters.
func (c *request) selectedTypes() []*schema {
	var out []*schema
	for _, t := range c.s.cat.schemas {
		if !t.stored() {
			continue
		}
		named := c.isTrue(t.plural)
		for _, suffix := range []string{":fields", ":filter", ":order"} {
			named = named || c.query[t.plural+suffix] != nil
		}
		if named {
			out = append(out, t)
		}
	}
	return out
}

func (c *request) mayExport(selected []*schema) error {
	if len(selected) == 0 && !c.u.Has("F_METADATA_EXPORT") {
		return problem.Plain409("Unfiltered access to metadata export requires super user or 'F_METADATA_EXPORT' authority.")
	}
	if slices.ContainsFunc(selected, func(t *schema) bool { return t.singular == "user" }) && !c.u.HasAny("F_USER_VIEW", "F_METADATA_EXPORT") {
		return problem.Plain409("Exporting user metadata requires the 'F_USER_VIEW' authority.")
	}
	return nil
}

// exportType reads what is asked of a type. In an export of everything a type to
// which the global filter or order cannot apply is left out.
func (c *request) exportType(t *schema, all bool) (exportType, bool, error) {
	filters, orders := c.query["filter"], c.query["order"]
	if own := c.query[t.plural+":filter"]; own != nil || c.query[t.plural+":order"] != nil {
		filters, orders = own, c.query[t.plural+":order"]
	}
	fields := ":owner"
	if f, ok := c.query["fields"]; ok {
		fields = strings.Join(f, ",")
	}
	if f, ok := c.query[t.plural+":fields"]; ok {
		fields = strings.Join(f, ",")
	}
	n, err := parseFields(fields)
	if err != nil {
		return exportType{}, false, err
	}
	fs, err := t.parseFilters(c.s.cat, filters)
	if err == nil {
		var os []order
		if os, err = t.parseOrder(orders); err == nil {
			return exportType{sel: &selection{typ: t, user: c.u, filters: fs, orders: os, anyType: true}, fields: n, sorted: len(os) > 0}, true, nil
		}
	}
	if all && strings.Contains(err.Error(), "path property") || all && strings.Contains(err.Error(), "No such property") {
		return exportType{}, false, nil
	}
	if p := problem.From(err); p != nil && p.Code == "E1003" {
		return exportType{}, false, problem.Plain409("%s", p.Message)
	}
	return exportType{}, false, err
}

// exportFormat is how an export leaves.
type exportFormat struct{ suffix, media, file string }

var exportFormats = []exportFormat{
	{".json", jsonMedia, "metadata.json"},
	{".json.gz", "application/json+gzip", "metadata.json.gz"},
	{".json.zip", "application/json+zip", "metadata.json.zip"},
	{".xml", "application/xml;charset=UTF-8", "metadata.xml"},
	{".xml.gz", "application/xml+gzip", "metadata.xml.gz"},
	{".xml.zip", "application/xml+zip", "metadata.xml.zip"},
}

// exportFormat finds the format by suffix, then by Accept.
func (c *request) exportFormat() (exportFormat, error) {
	for _, f := range exportFormats {
		media, _, _ := strings.Cut(f.media, ";")
		if c.suffix == f.suffix || c.suffix == "" && strings.Contains(f.media, "+") && strings.Contains(c.r.Header.Get("Accept"), media) ||
			c.suffix == "" && f.suffix == ".xml" && !c.acceptsJSON() && strings.Contains(c.r.Header.Get("Accept"), "application/xml") {
			if strings.HasPrefix(f.suffix, ".xml") && !c.s.speaksXML() {
				break
			}
			return f, nil
		}
	}
	if c.suffix == "" && c.acceptsJSON() {
		return exportFormats[0], nil
	}
	return exportFormat{}, &problem.Page{Status: http.StatusNotAcceptable}
}

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
	r := c.s.renderer(c.r.Context(), c.s.db, c.u, c.base())
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
		return c.s.each(ctx, c.s.db, t.sel, emit)
	}
	list, err := c.s.find(ctx, c.s.db, t.sel)
	if err != nil {
		return err
	}
	for _, f := range list {
		o, err := loadSeq(ctx, c.s.db, t.sel.typ, f.seq)
		if err != nil {
			return err
		}
		if err := emit(o); err != nil {
			return err
		}
	}
	return nil
}

// dependencyTypes have an export of what they need: /type/uid/metadata. The value
// says whether an unknown uid is worded as everywhere else.
var dependencyTypes = map[string]bool{"dataSet": false, "program": false, "categoryCombo": true, "dashboard": false, "dataElementGroup": false, "optionSet": false}

// notFollowed are associations that a dependency export does not follow.
var notFollowed = []string{"user", "userGroup", "userRole", "organisationUnit"}

// exportOne is GET /type/uid/metadata.
func (c *request) exportOne() error {
	f, err := c.exportFormat()
	if err != nil {
		return err
	}
	uid, err := uidOf(c.seg[1], "uid")
	if err != nil {
		return err
	}
	o, err := load(c.r.Context(), c.s.db, c.typ, uid)
	if errors.Is(err, errNoObject) {
		if dependencyTypes[c.typ.singular] {
			return c.noSuch(uid)
		}
		return problem.New(http.StatusNotFound, "", "%s not found for uid: %s", c.typ.simpleName(), uid)
	}
	if err != nil {
		return err
	}
	if !c.u.Has("F_METADATA_EXPORT") {
		return problem.Plain409("Unfiltered access to metadata export requires super user or 'F_METADATA_EXPORT' authority.")
	}
	found, err := c.s.dependencies(c.r.Context(), o)
	if err != nil {
		return err
	}
	owner := &node{presets: []string{"owner"}}
	p := &exportParams{skipSharing: c.isTrue("skipSharing")}
	for _, t := range c.s.exportable() {
		if uids := found[t]; len(uids) > 0 {
			p.types = append(p.types, exportType{sel: &selection{typ: t, user: c.u, keep: func(d document) bool { return uids[textOf(d, "id")] }}, fields: owner})
		}
	}
	return c.send(f, p)
}

// dependencies gathers everything that an object refers to, and what is part of it.
func (s *Service) dependencies(ctx context.Context, o *object) (map[*schema]map[string]bool, error) {
	found := map[*schema]map[string]bool{}
	todo := []*object{o}
	see := func(t *schema, uid string) bool {
		if found[t] == nil {
			found[t] = map[string]bool{}
		}
		if found[t][uid] {
			return false
		}
		found[t][uid] = true
		return true
	}
	see(o.typ, o.uid)
	for len(todo) > 0 {
		at := todo[0]
		todo = todo[1:]
		for _, r := range at.typ.references(at.doc) {
			t := s.cat.bySingular[r.typ]
			if t == nil || !t.stored() || slices.Contains(notFollowed, r.typ) || !see(t, r.target) {
				continue
			}
			next, err := load(ctx, s.db, t, r.target)
			if errors.Is(err, errNoObject) {
				continue
			}
			if err != nil {
				return nil, err
			}
			todo = append(todo, next)
		}
		for _, cas := range cascades {
			if cas.target != at.typ.singular || cas.target == "categoryOption" {
				continue
			}
			parts, err := referrers(ctx, s.db, s.cat, at.typ, at.uid, s.cat.bySingular[cas.typ], cas.property)
			if err != nil {
				return nil, err
			}
			for _, part := range parts {
				if see(part.typ, part.uid) {
					todo = append(todo, part)
				}
			}
		}
	}
	return found, nil
}

// Export writes what GET /metadata with the query would answer, as user u: the
// command that exports a sandbox without a server.
func (s *Service) Export(ctx context.Context, u *User, query url.Values, w io.Writer) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "/api/metadata.json", nil)
	if err != nil {
		return fmt.Errorf("export: %w", err)
	}
	c := &request{s: s, r: r, u: u, query: query, seg: []string{"metadata"}, suffix: ".json"}
	p, err := c.exportParams()
	if err != nil {
		return err
	}
	return c.write(w, exportFormats[0], p)
}
