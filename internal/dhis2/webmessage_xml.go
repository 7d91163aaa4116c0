package dhis2

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"strconv"
	"strings"
)

// Namespace is the XML name space of DHIS2's documents.
const Namespace = "http://dhis2.org/schema/dxf/2.0"

// XML is the body in DHIS2's XML form: a root webMessage with the short members
// as attributes and message, devMessage and response as children (contract 4).
func (m WebMessage) XML() ([]byte, error) {
	var b bytes.Buffer
	e := xml.NewEncoder(&b)
	root := xml.StartElement{Name: xml.Name{Local: "webMessage"}, Attr: m.attributes()}
	if err := e.EncodeToken(root); err != nil {
		return nil, err
	}
	for _, c := range []struct{ name, text string }{
		{"message", m.Message}, {"description", m.Description}, {"devMessage", m.DevMessage},
	} {
		if c.text == "" {
			continue
		}
		if err := e.EncodeElement(c.text, element(c.name)); err != nil {
			return nil, err
		}
	}
	if err := m.encodeResponse(e); err != nil {
		return nil, err
	}
	if m.Gateway != nil {
		if err := e.EncodeElement(m.Gateway, element("gateway")); err != nil {
			return nil, err
		}
	}
	if err := e.EncodeToken(root.End()); err != nil {
		return nil, err
	}
	if err := e.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

func (m WebMessage) attributes() []xml.Attr {
	attrs := []xml.Attr{
		attribute("xmlns", Namespace),
		attribute("httpStatus", m.HTTPStatus),
		attribute("httpStatusCode", strconv.Itoa(m.HTTPStatusCode)),
		attribute("status", m.Status),
	}
	if m.Code != 0 {
		attrs = append(attrs, attribute("code", strconv.Itoa(m.Code)))
	}
	if m.ErrorCode != "" {
		attrs = append(attrs, attribute("errorCode", m.ErrorCode))
	}
	return attrs
}

func (m WebMessage) encodeResponse(e *xml.Encoder) error {
	if m.Response == nil {
		return nil
	}
	text, err := EncodeJSON(m.Response)
	if err != nil {
		return err
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	first, err := d.Token()
	if err != nil {
		return err
	}
	return encodeNode(e, d, first, "response")
}

// encodeNode writes the JSON value that begins with token t as an element: the
// members of an object are elements, a list is an element around its items.
func encodeNode(e *xml.Encoder, d *json.Decoder, t json.Token, name string) error {
	start := element(name)
	switch v := t.(type) {
	case json.Delim:
		if err := e.EncodeToken(start); err != nil {
			return err
		}
		for d.More() {
			item := itemName(name)
			if v == '{' {
				key, err := d.Token()
				if err != nil {
					return err
				}
				item = fmt.Sprint(key)
			}
			next, err := d.Token()
			if err != nil {
				return err
			}
			if err := encodeNode(e, d, next, item); err != nil {
				return err
			}
		}
		if _, err := d.Token(); err != nil { // the closing bracket
			return err
		}
		return e.EncodeToken(start.End())
	case nil:
		return nil
	default:
		return e.EncodeElement(fmt.Sprint(v), start)
	}
}

// itemName is the name of an item of a list: errorReports, errorProperties.
func itemName(list string) string {
	if stem, ok := strings.CutSuffix(list, "ies"); ok {
		return stem + "y"
	}
	return strings.TrimSuffix(list, "s")
}

func element(name string) xml.StartElement {
	return xml.StartElement{Name: xml.Name{Local: name}}
}

func attribute(name, value string) xml.Attr {
	return xml.Attr{Name: xml.Name{Local: name}, Value: value}
}
