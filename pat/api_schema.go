package pat

import (
	"encoding/json"
	"strconv"

	"github.com/d2gate/d2gate/constraints"
	"github.com/d2gate/d2gate/internal/dhis2"
)

// properties are the members of a token, in the order in which DHIS2 2.44 prints
// them (schema apiToken).
func properties() []dhis2.Property {
	return []dhis2.Property{
		{Name: "code", Type: dhis2.TypeIdentifier, Simple: true, Owner: true, Persisted: true, Unique: true, Length: longestCode},
		{Name: "created", Type: dhis2.TypeDate, Simple: true, Owner: true, Persisted: true},
		{Name: "lastUpdated", Type: dhis2.TypeDate, Simple: true, Owner: true, Persisted: true},
		{Name: "translations", Type: dhis2.TypeCollection, ItemType: dhis2.TypeComplex},
		{Name: "createdBy", Type: dhis2.TypeReference, Item: "user", Klass: "org.hisp.dhis.user.User", Owner: true, Persisted: true},
		{Name: "lastUpdatedBy", Type: dhis2.TypeReference, Item: "user", Klass: "org.hisp.dhis.user.User", Owner: true, Persisted: true},
		{Name: "sharing", Type: dhis2.TypeComplex, Klass: "org.hisp.dhis.user.sharing.Sharing", Owner: true, Persisted: true, Embedded: true},
		{Name: "version", Type: dhis2.TypeInteger, Klass: "java.lang.Integer", Simple: true, Owner: true, Persisted: true, Required: true},
		{Name: "type", Type: dhis2.TypeConstant, Klass: typeClass, Constants: []string{TypeV1, TypeV2}, Simple: true, Owner: true, Persisted: true, Required: true},
		{Name: "expire", Type: dhis2.TypeInteger, Klass: "java.lang.Long", Simple: true, Owner: true, Persisted: true, Required: true},
		{Name: "attributes", ItemName: "attribute", Type: dhis2.TypeCollection, ItemType: dhis2.TypeComplex, ItemKlass: attributeClass, Owner: true, Persisted: true, Embedded: true, Ordered: true},
		{Name: "access", Type: dhis2.TypeComplex, Klass: "org.hisp.dhis.security.acl.Access", ReadOnly: true, Embedded: true},
		{Name: "user", Type: dhis2.TypeReference, Item: "user", Klass: "org.hisp.dhis.user.User"},
		{Name: "href", Type: dhis2.TypeURL, Simple: true},
		{Name: "id", FieldName: "uid", Type: dhis2.TypeIdentifier, Simple: true, Owner: true, Persisted: true, Unique: true},
		{Name: "attributeValues", Type: dhis2.TypeCollection, ItemType: dhis2.TypeComplex},
	}
}

// useProperties are ours: given only when they are named in fields.
func useProperties() []dhis2.Property {
	return []dhis2.Property{
		{Name: "lastUsed", Type: dhis2.TypeDate, Simple: true},
		{Name: "lastUsedFrom", Type: dhis2.TypeText, Simple: true},
	}
}

// schemaOf describes tokens for one request, with more properties beside DHIS2's.
func schemaOf(more ...dhis2.Property) *dhis2.Schema {
	return &dhis2.Schema{
		Singular: "apiToken", Plural: "apiToken", Klass: klass, DisplayName: "Api Token", Endpoint: "/apiToken",
		Metadata: false, Persisted: true, Shareable: true, Identifiable: true, DefaultPrivate: true,
		Properties: append(properties(), more...),
	}
}

// schemasOf are the schema of tokens and that of the users they name.
func schemasOf(tokens *dhis2.Schema) dhis2.Schemas {
	text := func(name string) dhis2.Property {
		return dhis2.Property{Name: name, Type: dhis2.TypeText, Simple: true, Persisted: true}
	}
	return dhis2.NewSchemas(tokens, &dhis2.Schema{
		Singular: "user", Plural: "users", Klass: "org.hisp.dhis.user.User", Identifiable: true,
		Properties: []dhis2.Property{text("id"), text("code"), text("name"), text("displayName"), text("username")},
	})
}

// document is a record as DHIS2 prints it, with every member that it has.
func (q *call) document(r *Record) *dhis2.Object {
	o := &dhis2.Object{}
	if r.Code != "" {
		o.Set("code", r.Code)
	}
	o.Set("created", stamp(r.Created))
	o.Set("lastUpdated", stamp(r.LastUpdated))
	o.Set("translations", []any{})
	o.Set("createdBy", userRef(r.Owner))
	o.Set("lastUpdatedBy", userRef(r.LastUpdatedBy))
	o.Set("sharing", sharingObject(r))
	o.Set("version", json.Number(strconv.Itoa(r.Version)))
	o.Set("type", r.Type)
	if end := r.Constraints.Expiry; !end.IsZero() {
		o.Set("expire", json.Number(strconv.FormatInt(end.UnixMilli(), 10)))
	}
	o.Set("attributes", attributeObjects(r.Constraints.Attributes))
	if q.words.favorites {
		o.Set("favorites", []any{})
		o.Set("favorite", false)
	}
	o.Set("access", q.caller.rights(r))
	o.Set("user", userRef(r.Owner))
	o.Set("href", q.api.publicURL()+apiPath+"/"+r.UID)
	o.Set("id", r.UID)
	o.Set("attributeValues", []any{})
	if !r.LastUsed.IsZero() {
		o.Set("lastUsed", stamp(r.LastUsed))
		o.Set("lastUsedFrom", r.LastUsedFrom)
	}
	return o
}

// userRef is a user where an object names one. DHIS2 prints the code of a user even
// when there is none.
func userRef(u Owner) *dhis2.Object {
	o := &dhis2.Object{}
	if u.UID != "" {
		o.Set("id", u.UID)
	}
	o.Set("code", nil)
	o.Set("name", u.Name)
	o.Set("displayName", u.DisplayName)
	o.Set("username", u.Username)
	return o
}

func attributeObjects(attributes []constraints.Attribute) []any {
	out := make([]any, len(attributes))
	for i, a := range attributes {
		values := make([]any, len(a.Values))
		for j, v := range a.Values {
			values[j] = v
		}
		out[i] = dhis2.NewObject("type", string(a.Kind), listName(a.Kind), values)
	}
	return out
}

// rights is what the caller may do with a token.
func (c Caller) rights(r *Record) *dhis2.Object {
	write := c.mayWrite(r)
	return dhis2.NewObject("manage", write, "write", write, "read", c.mayRead(r), "update", write, "delete", write)
}

// sharingObject is a record's sharing with all of its members.
func sharingObject(r *Record) *dhis2.Object {
	s := sharingOf(r)
	o := &dhis2.Object{}
	if s.Owner != "" {
		o.Set("owner", s.Owner)
	}
	o.Set("users", sharedObject(s.Users))
	o.Set("userGroups", sharedObject(s.UserGroups))
	o.Set("public", string(s.Public))
	return o
}
