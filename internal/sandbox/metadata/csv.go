package metadata

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"

	"github.com/d2gate/d2gate/internal/sandbox/problem"
)

// csvClass says what the columns of a CSV class are (DHIS2 2.44
// DefaultCsvImportService). A column .member is a reference by uid, part.member
// belongs to an embedded object.
type csvClass struct {
	name, typ string
	columns   []string
	defaults  map[string]any
}

var csvTable = []csvClass{
	{"DATA_ELEMENT", "dataElement", []string{"name", "id", "code", "shortName", "description", "formName", "domainType", "valueType", "aggregationType", ".categoryCombo", "url", "zeroIsSignificant", ".optionSet", ".commentOptionSet"},
		map[string]any{"domainType": "AGGREGATE", "valueType": "INTEGER", "aggregationType": "SUM"}},
	{"DATA_ELEMENT_GROUP", "dataElementGroup", []string{"name", "id", "code", "shortName"}, nil},
	{"CATEGORY_OPTION", "categoryOption", []string{"name", "id", "code", "shortName"}, nil},
	{"CATEGORY", "category", []string{"name", "id", "code", "shortName", "dataDimensionType", "dataDimension"}, map[string]any{"dataDimensionType": "DISAGGREGATION"}},
	{"CATEGORY_COMBO", "categoryCombo", []string{"name", "id", "code", "dataDimensionType", "skipTotal"}, map[string]any{"dataDimensionType": "DISAGGREGATION"}},
	{"CATEGORY_OPTION_GROUP", "categoryOptionGroup", []string{"name", "id", "code", "shortName", "dataDimensionType"}, map[string]any{"dataDimensionType": "DISAGGREGATION"}},
	{"ORGANISATION_UNIT", "organisationUnit", []string{"name", "id", "code", ".parent", "shortName", "description", "openingDate", "closedDate", "comment", "", "", "url", "contactPerson", "address", "email", "phoneNumber"},
		map[string]any{"openingDate": "1970-01-01"}},
	{"ORGANISATION_UNIT_GROUP", "organisationUnitGroup", []string{"name", "id", "code", "shortName"}, nil},
	{"VALIDATION_RULE", "validationRule", []string{"name", "id", "code", "description", "instruction", "importance", "", "operator", "periodType", "leftSide.expression", "leftSide.description", "leftSide.missingValueStrategy", "rightSide.expression", "rightSide.description", "rightSide.missingValueStrategy"}, map[string]any{"importance": "MEDIUM", "operator": "equal_to", "periodType": "Monthly"}},
	{"OPTION_GROUP", "optionGroup", []string{"name", "id", "code", "shortName", ".optionSet"}, nil},
	{"OPTION_GROUP_SET", "optionGroupSet", []string{"name", "id", "code", "description", "dataDimension", ".optionSet"}, nil},
}

// firstRowIsHeader is true unless the parameter says otherwise.
func (c *request) firstRowIsHeader() bool {
	return !strings.EqualFold(c.query.Get("firstRowIsHeader"), "false")
}

// importCSV is POST /metadata of application/csv.
func (c *request) importCSV() error {
	class := c.query.Get("classKey")
	if class == "" {
		class = "null"
	}
	if m, ok := memberships[class]; ok {
		return c.importStaged(func(g *stage) error { return c.readMemberships(m, g) })
	}
	if c.csvReader(class, nil) == nil {
		return problem.Plain409("Cannot find Csv import class:  %s", class)
	}
	return c.importStaged(func(g *stage) error { return c.readCSV(c.csvReader(class, g)) })
}

// readCSV gives read every row that has a first cell.
func (c *request) readCSV(read func(row []string) error) error {
	rows := csv.NewReader(http.MaxBytesReader(c.w, c.r.Body, maxBody))
	rows.FieldsPerRecord, rows.LazyQuotes, rows.ReuseRecord = -1, true, true
	for first := true; ; first = false {
		row, err := rows.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if _, tooLong := errors.AsType[*http.MaxBytesError](err); tooLong {
			return err
		}
		if err != nil {
			return problem.BadRequest("The CSV cannot be read: %s", err)
		}
		if first && c.firstRowIsHeader() || len(row) == 0 || row[0] == "" {
			continue
		}
		if err := read(row); err != nil {
			return err
		}
	}
}

// csvReader gives what stages a row of the class, nil if there is no such class.
func (c *request) csvReader(class string, g *stage) func(row []string) error {
	if class == "OPTION_SET" {
		return optionRows(c.s, g)
	}
	for _, k := range csvTable {
		if k.name == class {
			return func(row []string) error { return stageJSON(g, c.s.cat.bySingular[k.typ], k.document(row)) }
		}
	}
	return nil
}

func stageJSON(g *stage, typ *schema, doc document) error {
	raw, err := json.Marshal(doc)
	if err != nil {
		return err
	}
	return g.add(typ, raw)
}

func (k csvClass) document(row []string) document {
	doc := document{}
	for i, column := range k.columns {
		if i >= len(row) || row[i] == "" || column == "" {
			continue
		}
		if ref, ok := strings.CutPrefix(column, "."); ok {
			doc[ref] = id(row[i])
			continue
		}
		if part, member, nested := strings.Cut(column, "."); nested {
			m, _ := doc[part].(map[string]any)
			if m == nil {
				m = map[string]any{}
				doc[part] = m
			}
			m[member] = row[i]
			continue
		}
		doc[column] = row[i]
	}
	for name, v := range k.defaults {
		if doc[name] == nil {
			doc[name] = v
		}
	}
	if doc["shortName"] == nil && len(row) > 0 {
		name := []rune(row[0])
		doc["shortName"] = string(name[:min(len(name), 50)])
	}
	return doc
}

// optionRows stages option sets with their options: set, then option, in each row.
func optionRows(s *Service, g *stage) func(row []string) error {
	sets, options := s.cat.bySingular["optionSet"], s.cat.bySingular["option"]
	return func(row []string) error {
		cell := func(i int) string {
			if i < len(row) {
				return row[i]
			}
			return ""
		}
		set, option := cell(1), cell(4)
		for _, uid := range []*string{&set, &option} {
			if *uid == "" {
				made, err := s.newUID()
				if err != nil {
					return err
				}
				*uid = made
			}
		}
		err := stageJSON(g, sets, document{"id": set, "name": cell(0), "code": orNone(cell(2)), "valueType": "TEXT", "options": []any{id(option)}})
		if err != nil {
			return err
		}
		return stageJSON(g, options, document{"id": option, "name": cell(3), "code": cell(5), "optionSet": id(set)})
	}
}
