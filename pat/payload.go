package pat

import (
	"encoding/json"
	"errors"

	"github.com/d2gate/d2gate/internal/dhis2"
)

const (
	typeClass      = "org.hisp.dhis.security.apikey.ApiTokenType"
	attributeClass = "org.hisp.dhis.security.apikey.ApiTokenAttribute"
	// documented is what type was called up to 2.40 and is called in DHIS2's
	// documentation; newer servers refuse it, we take it for V1.
	documented = "PERSONAL_ACCESS_TOKEN"
)

// payload is what a body says of a token; nil where it says nothing, or null.
type payload struct {
	null       bool // the body is the value null
	code       *string
	expire     *int64 // milliseconds since 1970
	typ        *string
	version    *int
	attributes []any // *dhis2.Object
	sharing    *dhis2.Object
}

// writable describes what a body may say, for the reader that words its errors as
// Jackson does: unknown members are passed over, and of a member that is sent twice
// the last counts.
func writable() (*dhis2.Schema, dhis2.Schemas) {
	token := &dhis2.Schema{Singular: "apiToken", Klass: klass, Properties: []dhis2.Property{
		{Name: "code", Type: dhis2.TypeIdentifier},
		{Name: "version", Type: dhis2.TypeInteger, Boxed: true},
		{Name: "type", Type: dhis2.TypeConstant, Klass: typeClass, Constants: []string{TypeV1, TypeV2}},
		{Name: "expire", Type: dhis2.TypeInteger, Klass: "java.lang.Long", Boxed: true},
		{Name: "attributes", Type: dhis2.TypeCollection, Klass: "java.util.List", ItemType: dhis2.TypeComplex, Item: "apiTokenAttribute", Embedded: true},
		{Name: "sharing", Type: dhis2.TypeComplex},
	}}
	attribute := &dhis2.Schema{Singular: "apiTokenAttribute", Klass: attributeClass}
	for _, kind := range validationOrder {
		attribute.Subtypes = append(attribute.Subtypes, &dhis2.Schema{
			Singular: string(kind), Klass: "org.hisp.dhis.security.apikey." + string(kind),
			Properties: []dhis2.Property{
				{Name: "type", Type: dhis2.TypeText},
				{Name: listName(kind), Type: dhis2.TypeCollection, Klass: "java.util.Set", ItemType: dhis2.TypeText},
			},
		})
		if kind != ours {
			attribute.TypeIDs = append(attribute.TypeIDs, string(kind))
		}
	}
	return token, dhis2.NewSchemas(token, attribute)
}

// bindToken reads a token's JSON. Errors are *dhis2.JSONError.
func bindToken(n *dhis2.Node) (payload, error) {
	if t := n.Member("type"); t != nil && t.Kind == dhis2.KindString && t.Text == documented {
		t.Text = TypeV1
	}
	token, all := writable()
	o, err := dhis2.Bind(n, token, all)
	if o == nil || err != nil {
		return payload{null: true}, err
	}
	p := payload{attributes: o.List("attributes")}
	if v := o.Text("code"); v != "" {
		p.code = &v
	}
	if v := o.Text("type"); v != "" {
		p.typ = &v
	}
	if v, ok := o.Get("sharing"); ok {
		p.sharing, _ = v.(*dhis2.Object)
	}
	var version *int64
	if p.expire, err = integer(o, "expire"); err == nil {
		version, err = integer(o, "version")
	}
	if version != nil {
		v := int(*version)
		p.version = &v
	}
	return p, err
}

// integer is the value of a member that Bind has checked, nil if there is none.
func integer(o *dhis2.Object, name string) (*int64, error) {
	v, _ := o.Get(name)
	switch v := v.(type) {
	case nil:
		return nil, nil
	case json.Number:
		n, err := v.Int64()
		return &n, err
	}
	return nil, errors.New("read token: " + name + " is no number")
}
