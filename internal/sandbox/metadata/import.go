package metadata

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/d2gate/d2gate/internal/dhis2"
	"github.com/d2gate/d2gate/internal/sandbox/problem"
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
