package proxy

import (
	"encoding/json"
	"mime"
	"slices"
	"strings"

	"github.com/d2gate/d2gate/constraints"
	"github.com/d2gate/d2gate/internal/fault"
)

// guard holds the body of a metadata import against the types that the token's
// scopes cover (design 5), and lets no limited token, whatever limits it, import
// credentials. It returns nil where the body does not matter. A body in which DHIS2
// might find objects by another reading than ours, such as a compressed one, is
// refused with constraint_scope.
func (p *passage) guard() (func([]byte) error, error) {
	set := p.principal.Constraints
	if set == nil || reads(p.view.Method) {
		return nil, nil
	}
	facts := constraints.Facts{Method: p.view.Method, Path: p.target.DHIS2, Query: p.verdict.Query}
	types, scoped := set.ImportTypes(facts)
	if !scoped && (!set.Limited() || !facts.Imports() || p.view.Length == 0 || isCSV(p.view.Header)) {
		return nil, nil
	}
	if !plainJSON(p.view.Header) {
		return nil, p.outsideScope("an import is judged as plain application/json only")
	}
	g := importGuard{types: types, any: !scoped, refuse: p.outsideScope}
	return g.feed, nil
}

func (p *passage) outsideScope(detail string) error {
	f := fault.New(fault.ConstraintScope, "")
	return f.WithMessage(strings.TrimSuffix(f.Message, ".") + ": " + detail).WithDetail(detail).WithScheme(scheme(p.principal.Kind))
}

func plainJSON(h Header) bool {
	t, charset := mediaType(h)
	return t == "application/json" && len(h.Values("Content-Encoding")) == 0 && (charset == "" || strings.EqualFold(charset, "utf-8"))
}

// isCSV: DHIS2 imports no credentials from CSV (2.44 CsvImportClass).
func isCSV(h Header) bool {
	t, _ := mediaType(h)
	return t == "application/csv"
}

// mediaType is "" for none, for more than one, and for one that is none.
func mediaType(h Header) (t, charset string) {
	types := h.Values("Content-Type")
	if len(types) != 1 {
		return "", ""
	}
	t, params, err := mime.ParseMediaType(types[0])
	if err != nil {
		return "", ""
	}
	return t, params["charset"]
}

// importGuard follows a JSON object as it streams by and looks at the names of its
// members, which in a metadata import are types. It keeps nothing of the values.
type importGuard struct {
	types  []string
	any    bool // types does not matter
	refuse func(detail string) error

	depth   int
	want    jsonPlace // at depth 1
	text    bool      // inside a string
	escaped bool      // after a backslash in it
	naming  bool      // the string is a name at depth 1
	name    []byte
}

// jsonPlace is what may come next in the outermost object.
type jsonPlace int

const (
	beforeObject jsonPlace = iota
	beforeName
	afterName
	inValue
	afterObject
)

// longestName bounds a name, in bytes: DHIS2 has no type with a longer one.
const longestName = 256

// harmless are members of an export that are no types: DHIS2 does not import them.
var harmless = [...]string{"system", "date"}

// feed looks at the next bytes; an error says which type is outside the scope.
func (g *importGuard) feed(b []byte) error {
	for i := 0; i < len(b); i++ {
		if g.text {
			i += g.skip(b[i:])
			if i >= len(b) {
				return nil
			}
			if err := g.inText(b[i]); err != nil {
				return err
			}
			continue
		}
		if err := g.outside(b[i]); err != nil {
			return err
		}
	}
	return nil
}

// skip counts the bytes up to the next one that ends or escapes a string, and
// keeps them if they are a name.
func (g *importGuard) skip(b []byte) int {
	n := 0
	if !g.escaped {
		for n < len(b) && b[n] != '"' && b[n] != '\\' {
			n++
		}
	}
	if g.naming && len(g.name) <= longestName {
		g.name = append(g.name, b[:n]...)
	}
	return n
}

// inText takes the byte at which skip stopped.
func (g *importGuard) inText(c byte) error {
	if g.naming {
		g.name = append(g.name, c)
	}
	switch {
	case g.escaped:
		g.escaped = false
	case c == '\\':
		g.escaped = true
	default:
		g.text = false
		if g.naming {
			g.naming = false
			g.want = afterName
			return g.judge()
		}
	}
	return nil
}

// judge looks at a whole name, with its quotes.
func (g *importGuard) judge() error {
	var name string
	if len(g.name) > longestName || json.Unmarshal(g.name, &name) != nil {
		return g.refuse("the body holds a name that is no type")
	}
	if constraints.GivesAccess(name) {
		return g.refuse("a limited token imports no tokens and no OAuth2 clients")
	}
	if !g.any && !slices.Contains(g.types, name) && !slices.Contains(harmless[:], name) {
		return g.refuse("the body may hold " + strings.Join(g.types, ", ") + " only")
	}
	return nil
}

// outside takes a byte outside strings.
func (g *importGuard) outside(c byte) error {
	switch {
	case c == ' ' || c == '\n' || c == '\r' || c == '\t':
		return nil
	case g.depth > 1:
		g.nest(c)
		return nil
	case g.want == beforeObject && c == '{':
		g.depth, g.want = 1, beforeName
	case g.want == beforeName && c == '"':
		g.text, g.naming, g.name = true, true, append(g.name[:0], '"')
	case g.want == beforeName && c == '}':
		g.depth, g.want = 0, afterObject
	case g.want == afterName && c == ':':
		g.want = inValue
	case g.want == inValue && c == ',':
		g.want = beforeName
	case g.want == inValue && c == '}':
		g.depth, g.want = 0, afterObject
	case g.want == inValue && c != ']' && c != ':':
		g.nest(c)
	default:
		return g.refuse("the body is not one JSON object")
	}
	return nil
}

// nest follows strings and brackets of values.
func (g *importGuard) nest(c byte) {
	switch c {
	case '"':
		g.text = true
	case '{', '[':
		g.depth++
	case '}', ']':
		g.depth--
	}
}
