package metadata

import (
	_ "embed" // the table of schemas
	"fmt"
	"strconv"
	"strings"
)

//go:embed schemas.txt
var schemaTable string

// tableParser reads the table of schemas. The table is part of the program: an
// error in it is a defect that the first test finds.
type tableParser struct {
	cat    *catalog
	enums  map[string]*enumeration
	groups map[string][]string
	group  string
	at     *schema
}

// parseCatalog reads the table.
func parseCatalog(table string) (*catalog, error) {
	p := &tableParser{
		cat:   &catalog{bySingular: map[string]*schema{}, byPlural: map[string]*schema{}, byKlass: map[string]*schema{}},
		enums: map[string]*enumeration{}, groups: map[string][]string{},
	}
	for n, line := range strings.Split(table, "\n") {
		if err := p.line(line); err != nil {
			return nil, fmt.Errorf("schemas.txt:%d: %w", n+1, err)
		}
	}
	return p.cat, p.link()
}

func (p *tableParser) line(line string) error {
	if line == "" || line[0] == '#' {
		return nil
	}
	if line[0] == '\t' {
		if p.at == nil {
			p.groups[p.group] = append(p.groups[p.group], line[1:])
			return nil
		}
		return p.member(line[1:])
	}
	w := strings.Fields(line)
	switch w[0] {
	case "enum":
		p.enums[w[1]] = &enumeration{w[1], w[2], w[3:]}
	case "group":
		p.group, p.at = w[1], nil
	case "type":
		return p.typ(w[1:])
	default:
		return fmt.Errorf("what is %q?", w[0])
	}
	return nil
}

func (p *tableParser) typ(w []string) error {
	order, err := strconv.Atoi(w[3])
	if err != nil {
		return err
	}
	s := &schema{singular: w[0], plural: w[1], klass: w[2], order: order, name: w[0], endpoint: "/" + w[1], collection: w[1], byName: map[string]*property{}}
	for _, f := range w[4] {
		switch f {
		case 'm':
			s.metadata = true
		case 's':
			s.shareable = true
		case 'd':
			s.dataShareable = true
		case 't':
			s.translatable = true
		case 'o':
			s.open = true
		case 'p':
			s.defaultPrivate = true
		case 'i':
			s.implicitPrivate = true
		case 'f':
			s.favoritable = true
		case 'x':
			s.internal = true
		}
	}
	for _, kv := range w[5:] {
		k, v, _ := strings.Cut(kv, "=")
		switch k {
		case "name":
			s.name = v
		case "endpoint":
			s.endpoint = strings.TrimSuffix(v, "-")
		case "collection":
			s.collection = v
		default:
			s.authorities = append(s.authorities, typeAuthorities{k, strings.Split(v, ",")})
		}
	}
	p.at = s
	p.cat.schemas = append(p.cat.schemas, s)
	p.cat.bySingular[s.singular], p.cat.byPlural[s.plural], p.cat.byKlass[s.className()] = s, s, s
	return nil
}

func (p *tableParser) member(line string) error {
	switch line[0] {
	case '+':
		for _, l := range p.groups[line[1:]] {
			if err := p.member(l); err != nil {
				return err
			}
		}
		return nil
	case '-':
		delete(p.at.byName, line[1:])
		for i, m := range p.at.properties {
			if m.name == line[1:] {
				p.at.properties = append(p.at.properties[:i], p.at.properties[i+1:]...)
				break
			}
		}
		return nil
	}
	w := splitTable(line)
	m := p.at.byName[w[0]]
	if m == nil {
		m = &property{name: w[0], min: none(), max: none()}
		p.at.byName[w[0]] = m
		p.at.properties = append(p.at.properties, m)
	}
	return m.read(w[1:])
}

// splitTable cuts a line at blanks outside quotes.
func splitTable(line string) []string {
	head, desc, ok := strings.Cut(line, ` desc="`)
	w := strings.Fields(head)
	if ok {
		w = append(w, "desc="+strings.TrimSuffix(desc, `"`))
	}
	return w
}

var kinds = map[string]kind{
	"text": kText, "ident": kIdent, "bool": kBool, "int": kInt, "num": kNum, "date": kDate, "url": kURL, "email": kEmail, "password": kPassword,
	"periodType": kPeriodType, "enum": kEnum, "ref": kRef, "refs": kRefs, "obj": kObj, "objs": kObjs, "texts": kTexts, "ints": kInts, "sharing": kShare,
	"attributeValues": kValues,
}

// read takes the words after a member's name.
func (m *property) read(words []string) error {
	for _, w := range words {
		k, v, _ := strings.Cut(w, "=")
		name, arg, _ := strings.Cut(k, ":")
		switch {
		case k == "required":
			m.required = true
		case k == "unique":
			m.unique = true
		case k == "notunique":
			m.unique = false
		case k == "calc":
			m.calc = true
		case k == "owner":
			m.calcOwner = true
		case k == "persisted":
			m.persisted = true
		case k == "notowner":
			m.notOwner = true
		case k == "hidden":
			m.hidden = true
		case k == "writable":
			m.writable = true
		case k == "nowrite":
			m.writable = false
		case k == "ordered":
			m.ordered = true
		case k == "dims":
			m.dims = true
		case k == "attr":
			m.attribute = true
		case k == "complex":
			m.complex = true
		case k == "simple", k == "sharing" && m.kind == kShare:
		case k == "owneruid":
			m.ownerUID = true
		case k == "min" || k == "max":
			f, err := strconv.ParseFloat(v, 64)
			if err != nil {
				return err
			}
			if k == "min" {
				m.min = f
			} else {
				m.max = f
			}
		case k == "":
			m.def = v
			if v == "" {
				m.def = `""`
			}
		case k == "default":
			m.def = `{"id":"` + v + `"}`
		case k == "const":
			m.constant = v
		case k == "f":
			m.field = v
		case k == "s":
			m.singular = v
		case k == "k":
			m.klass = v
		case k == "desc":
			m.description = v
		case k == "inverse" && v == "":
			m.calc = true
		case k == "inverse":
			m.inverseText = v
		default:
			kind, ok := kinds[name]
			if !ok {
				return fmt.Errorf("what is %q?", w)
			}
			m.kind, m.itemName = kind, arg
		}
	}
	return nil
}

// link resolves the names of types and enumerations.
func (p *tableParser) link() error {
	for _, s := range p.cat.schemas {
		for _, m := range s.properties {
			if err := p.linkMember(s, m); err != nil {
				return fmt.Errorf("schemas.txt: %s.%s: %w", s.singular, m.name, err)
			}
		}
	}
	return nil
}

func (p *tableParser) linkMember(s *schema, m *property) error {
	if m.def != "" && m.def[0] != '{' && m.def[0] != '"' && m.kind != kBool && m.kind != kInt && m.kind != kNum {
		m.def = `"` + m.def + `"`
	}
	if m.kind == kNum && m.def == "0" {
		m.def = "0.0"
	}
	switch {
	case m.kind == kEnum:
		if m.enum = p.enums[m.itemName]; m.enum == nil {
			return fmt.Errorf("no enum %s", m.itemName)
		}
	case m.itemName != "":
		// A type that the table does not hold is a reference to something that is never there.
		m.item = p.cat.bySingular[m.itemName]
	}
	if m.inverseText != "" {
		w := strings.Split(m.inverseText, ".")
		typ := p.cat.bySingular[w[0]]
		if typ == nil {
			return fmt.Errorf("no type %s", w[0])
		}
		if typ.byName[w[1]] == nil && !typ.open {
			return fmt.Errorf("no member %s", m.inverseText)
		}
		m.inverse = &inverse{typ: typ, property: w[1]}
		if len(w) > 2 {
			m.inverse.part = w[2]
		}
	}
	if m.singular == "" {
		m.singular = m.name
		if m.kind == kRefs || m.kind == kObjs && m.item != nil {
			m.singular = singularOf(m)
		}
	}
	if m.field == "" {
		m.field = m.name
	}
	return nil
}

// singularOf is the singular of a collection's name.
func singularOf(m *property) string {
	switch {
	case strings.HasSuffix(m.name, "ies"):
		return strings.TrimSuffix(m.name, "ies") + "y"
	case m.name == "legendSets", m.name == "children":
		return m.name
	}
	return strings.TrimSuffix(m.name, "s")
}
