package metadata

import (
	"bufio"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/d2gate/d2gate/internal/dhis2"
	"github.com/d2gate/d2gate/internal/sandbox/problem"
)

// This file is metadata as XML, which DHIS2 had up to 2.38: members that are simple
// and identify are attributes, others elements; a collection is an element that
// holds an element for each member.

const xmlNamespace = "http://dhis2.org/schema/dxf/2.0"

// xmlAttributes are the members that stand as attributes.
var xmlAttributes = []string{"id", "code", "name", "created", "lastUpdated", "shortName", "href", "username", "uid"}

func (c *request) writeXML(w *bufio.Writer, p *exportParams) error {
	_, _ = w.WriteString(xml.Header + `<metadata xmlns="` + xmlNamespace + `" created="` + stamp(c.s.now()) + `">`)
	r := c.s.renderer(c.r.Context(), c.q, c.u, c.base())
	r.excludeDefs, r.skipSharing, r.locale = p.exclude, p.skipSharing, p.locale
	for _, t := range p.types {
		if err := c.writeXMLType(w, r, t); err != nil {
			return err
		}
	}
	_, err := w.WriteString("</metadata>")
	return err
}

func (c *request) writeXMLType(w *bufio.Writer, r *renderer, t exportType) error {
	some := false
	err := c.exportEach(t, func(o *object) error {
		b, err := r.object(nil, t.sel.typ, o.doc, t.fields)
		if err != nil {
			return err
		}
		doc, err := parseDocument(b)
		if err != nil {
			return err
		}
		if !some {
			_, _ = w.WriteString("<" + t.sel.typ.plural + ">")
			some = true
		}
		return writeElement(w, t.sel.typ.singular, doc)
	})
	if err != nil || !some {
		return err
	}
	_, err = w.WriteString("</" + t.sel.typ.plural + ">")
	return err
}

// writeElement writes a value as an element.
func writeElement(w *bufio.Writer, name string, v any) error {
	switch v := v.(type) {
	case map[string]any:
		return writeObject(w, name, v)
	case []any:
		_, _ = w.WriteString("<" + name + ">")
		for _, item := range v {
			if err := writeElement(w, itemName(name), item); err != nil {
				return err
			}
		}
		_, err := w.WriteString("</" + name + ">")
		return err
	case nil:
		return nil
	}
	_, _ = w.WriteString("<" + name + ">")
	if err := xml.EscapeText(w, []byte(plainText(v))); err != nil {
		return err
	}
	_, err := w.WriteString("</" + name + ">")
	return err
}

func itemName(list string) string {
	switch {
	case strings.HasSuffix(list, "ies"):
		return strings.TrimSuffix(list, "ies") + "y"
	case strings.HasSuffix(list, "s"):
		return strings.TrimSuffix(list, "s")
	}
	return list
}

func writeObject(w *bufio.Writer, name string, m map[string]any) error {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	_, _ = w.WriteString("<" + elementName(name))
	if name != elementName(name) {
		_, _ = w.WriteString(` key="` + name + `"`)
	}
	for _, k := range xmlAttributes {
		if s, ok := m[k].(string); ok {
			_, _ = w.WriteString(` ` + k + `="`)
			if err := xml.EscapeText(w, []byte(s)); err != nil {
				return err
			}
			_ = w.WriteByte('"')
		}
	}
	_ = w.WriteByte('>')
	for _, k := range keys {
		if _, text := m[k].(string); text && slices.Contains(xmlAttributes, k) {
			continue
		}
		if err := writeElement(w, k, m[k]); err != nil {
			return err
		}
	}
	_, err := w.WriteString("</" + elementName(name) + ">")
	return err
}

// elementName is a name that XML takes; a uid among them becomes an entry.
func elementName(name string) string {
	if dhis2.IsUID(name) {
		return "entry"
	}
	return name
}

// readXML stages a payload in XML.
func (g *stage) readXML(r io.Reader) error {
	d := xml.NewDecoder(r)
	d.Strict = true
	for {
		tok, err := d.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return problem.Plain409("%s", err.Error())
		}
		start, ok := tok.(xml.StartElement)
		if !ok || start.Name.Local == "metadata" || start.Name.Local == "metaData" {
			continue
		}
		if err := g.readXMLType(d, start); err != nil {
			return err
		}
	}
}

func (g *stage) readXMLType(d *xml.Decoder, start xml.StartElement) error {
	typ := g.s.cat.byPlural[start.Name.Local]
	if typ == nil || !typ.stored() {
		if err := d.Skip(); err != nil {
			return problem.Plain409("%s", err.Error())
		}
		return nil
	}
	for {
		tok, err := d.Token()
		if err != nil {
			return problem.Plain409("%s", err.Error())
		}
		switch tok := tok.(type) {
		case xml.EndElement:
			return nil
		case xml.StartElement:
			v, err := readElement(d, tok, typ, 0)
			if err != nil {
				return err
			}
			raw, err := json.Marshal(v)
			if err != nil {
				return fmt.Errorf("read XML: %w", err)
			}
			if err := g.readObject(typ, raw); err != nil {
				return err
			}
		}
	}
}

// readElement reads an object: its attributes and elements are its members.
func readElement(d *xml.Decoder, start xml.StartElement, typ *schema, depth int) (any, error) {
	if depth > 100 {
		return nil, problem.Plain409("XML is nested too deeply")
	}
	out := map[string]any{}
	for _, a := range start.Attr {
		if a.Name.Local != "xmlns" && a.Name.Space == "" {
			out[a.Name.Local] = a.Value
		}
	}
	var text strings.Builder
	var list []any
	isList := strings.HasSuffix(start.Name.Local, "s") && len(start.Attr) == 0
	for {
		tok, err := d.Token()
		if err != nil {
			return nil, problem.Plain409("%s", err.Error())
		}
		switch tok := tok.(type) {
		case xml.CharData:
			text.Write(tok)
		case xml.StartElement:
			v, err := readElement(d, tok, nil, depth+1)
			if err != nil {
				return nil, err
			}
			name := tok.Name.Local
			if isList && name == itemName(start.Name.Local) {
				list = append(list, v)
				continue
			}
			if m, ok := v.(map[string]any); ok && name == "entry" {
				name, _ = m["key"].(string)
				delete(m, "key")
			}
			out[name] = v
		case xml.EndElement:
			return element(start.Name.Local, out, list, isList, strings.TrimSpace(text.String())), nil
		}
	}
}

func element(name string, out map[string]any, list []any, isList bool, text string) any {
	switch {
	case list != nil:
		return list
	case len(out) > 0:
		return out
	case text != "":
		switch text {
		case "true":
			return true
		case "false":
			return false
		}
		return text
	case isList:
		if name == "users" || name == "userGroups" {
			return map[string]any{}
		}
		return []any{}
	}
	return map[string]any{}
}
