package metadata

import (
	"encoding/json"
	"net/http"
	"strings"
)

// csvList is a list as CSV: the simple members that are asked for.
func (c *request) csvList(p listParams, n *node) error {
	sel, err := c.selection(p)
	if err != nil {
		return err
	}
	all, err := c.s.find(c.r.Context(), c.q, sel)
	if err != nil {
		return err
	}
	if p.paging {
		all = page(all, p.page, p.size)
	}
	r, err := c.renderer()
	if err != nil {
		return err
	}
	separator := ","
	if s := c.query.Get("separator"); s != "" {
		separator = s[:1]
	}
	var props []*property
	var names []string
	for _, name := range n.order {
		if pr := c.typ.byName[name]; pr != nil && pr.simple() {
			props, names = append(props, pr), append(names, name)
		}
	}
	var b strings.Builder
	if !c.isTrue("skipHeader") {
		b.WriteString(strings.Join(names, separator) + "\n")
	}
	for _, f := range all {
		o, err := loadSeq(c.r.Context(), c.q, c.typ, f.seq)
		if err != nil {
			return err
		}
		for i, pr := range props {
			if i > 0 {
				b.WriteString(separator)
			}
			v, err := r.value(c.typ, pr, o.doc, defaultNode("all"))
			if err != nil {
				return err
			}
			if v != nil {
				b.WriteString(csvCell(plainText(v), separator))
			}
		}
		b.WriteByte('\n')
	}
	c.bytes(http.StatusOK, "text/csv;charset=UTF-8", []byte(b.String()))
	return nil
}

// csvCell quotes what a loose reader could misread (Jackson CSV). With another
// separator than the comma every cell is quoted that is not a number.
func csvCell(v, separator string) string {
	plain := strings.IndexFunc(v, func(r rune) bool {
		return !(r >= '0' && r <= '9' || r|0x20 >= 'a' && r|0x20 <= 'z' || r == '.' || r == '-' || r == ':' || r == '_')
	}) < 0
	if plain && (separator == "," || json.Valid([]byte(v))) {
		return v
	}
	return `"` + strings.ReplaceAll(v, `"`, `""`) + `"`
}
