package config

import "encoding/json"

// property is what the schema says of a key (JSON Schema 2020-12).
type property struct {
	Type        any                 `json:"type,omitempty"`
	Description string              `json:"description,omitempty"`
	Enum        []string            `json:"enum,omitempty"`
	Properties  map[string]property `json:"properties,omitempty"`
	Items       *property           `json:"items,omitempty"`
	Additional  any                 `json:"additionalProperties,omitempty"`
	Required    []string            `json:"required,omitempty"`
}

// Schema is the JSON schema of the file: every key, what it means, its default.
func Schema() []byte {
	top := objectSchema(root(before()))
	top.Required = []string{"version", "server", "upstream"}
	doc := struct {
		Schema string `json:"$schema"`
		Title  string `json:"title"`
		property
	}{"https://json-schema.org/draft/2020-12/schema", "d2gate configuration", top}
	b, err := json.MarshalIndent(doc, "", "  ")
	if err != nil {
		panic(err) // texts and maps of texts
	}
	return append(b, '\n')
}

func objectSchema(fields []field) property {
	p := property{Type: "object", Properties: map[string]property{}, Additional: false}
	for _, f := range fields {
		if f.name == "NAME" { // any name
			return property{Type: "object", Additional: objectSchema(f.sub)}
		}
		p.Properties[f.name] = fieldSchema(f)
	}
	return p
}

func fieldSchema(f field) property {
	var p property
	switch {
	case f.typ == "object":
		p = objectSchema(f.sub)
	case f.typ == "array" && f.sub != nil:
		item := objectSchema(f.sub)
		p = property{Type: "array", Items: &item}
	case f.typ == "array":
		p = property{Type: "array", Items: &property{Type: "string", Enum: f.enum}}
	default:
		p = property{Type: f.typ, Enum: f.enum}
	}
	switch f.name {
	case "per":
		p.Type = []string{"string", "array"}
	case "as":
		p.Type = []string{"string", "object"}
	case "rates":
		p.Additional = nil // a rule, or a list of rules
	}
	p.Description = f.about
	return p
}
