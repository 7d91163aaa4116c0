package dhis2

// EmbeddedSchemas are the schemas of what stands inside of objects of every type:
// sharing, access, translations and attribute values. A property of COMPLEX type,
// or a collection of them, names one as its Item and is Embedded. Tables of
// schemas take them in; /api/schemas does not list them.
func EmbeddedSchemas() []*Schema {
	text := func(name string) Property {
		return Property{Name: name, Type: TypeText, Owner: true, Persisted: true, Simple: true}
	}
	truth := func(name string) Property { return Property{Name: name, Type: TypeBoolean, Simple: true} }
	set := func(name string) Property {
		return Property{Name: name, Type: TypeCollection, Owner: true, Persisted: true, Embedded: true}
	}
	return []*Schema{
		{Singular: "sharing", Klass: "org.hisp.dhis.user.sharing.Sharing", Properties: []Property{
			text("owner"), truth("external"), set("users"), set("userGroups"), text("public")}},
		{Singular: "access", Klass: "org.hisp.dhis.security.acl.Access", Properties: []Property{
			truth("manage"), truth("write"), truth("read"), truth("update"), truth("delete"),
			{Name: "data", Type: TypeComplex, Item: "accessData", Embedded: true}}},
		{Singular: "accessData", Klass: "org.hisp.dhis.security.acl.AccessData", Properties: []Property{truth("write"), truth("read")}},
		{Singular: "translation", Klass: "org.hisp.dhis.translation.Translation", Properties: []Property{
			text("property"), text("locale"), text("value")}},
		{Singular: "attributeValue", Klass: "org.hisp.dhis.eav.AttributeValue", Properties: []Property{
			text("value"), {Name: "attribute", Type: TypeReference, Item: "attribute", Owner: true, Persisted: true}}},
	}
}
