package metadata

import (
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
