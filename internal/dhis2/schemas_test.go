package dhis2_test

import "github.com/d2gate/d2gate/internal/dhis2"

func simple(name string, t dhis2.PropertyType) dhis2.Property {
	return dhis2.Property{Name: name, Type: t, Owner: true, Persisted: true, Simple: true}
}

func display(name, base string) dhis2.Property {
	return dhis2.Property{Name: name, Type: dhis2.TypeText, Simple: true, Base: base, ReadOnly: true}
}

func reference(name, item string) dhis2.Property {
	return dhis2.Property{Name: name, Type: dhis2.TypeReference, Item: item, Owner: true, Persisted: true}
}

func collection(name, item string) dhis2.Property {
	return dhis2.Property{Name: name, Type: dhis2.TypeCollection, ItemType: dhis2.TypeReference, Item: item, Owner: true, Persisted: true}
}

func complexOf(name string) dhis2.Property {
	return dhis2.Property{Name: name, Type: dhis2.TypeComplex, Owner: true, Persisted: true}
}

// testSchemas are schemas of a few types, as the sandbox's table has them.
func testSchemas() dhis2.Schemas {
	name := simple("name", dhis2.TypeText)
	name.Translatable = true
	access := complexOf("access")
	access.Owner, access.Persisted = false, false
	href := simple("href", dhis2.TypeURL)
	href.Owner, href.Persisted = false, false
	user := reference("user", "user")
	user.Owner, user.Persisted = false, false
	common := []dhis2.Property{
		name, simple("code", dhis2.TypeIdentifier), simple("created", dhis2.TypeDate), simple("lastUpdated", dhis2.TypeDate),
		reference("lastUpdatedBy", "user"), reference("createdBy", "user"), complexOf("sharing"),
		{Name: "translations", Type: dhis2.TypeCollection, Owner: true, Persisted: true, Embedded: true, Item: "translation"},
		access, user, href, display("displayName", "name"), simple("id", dhis2.TypeIdentifier),
	}
	nameable := []dhis2.Property{simple("shortName", dhis2.TypeText), display("displayShortName", "shortName"), display("displayFormName", "name")}
	schema := func(singular, plural, klass string, more ...dhis2.Property) *dhis2.Schema {
		s := &dhis2.Schema{Singular: singular, Plural: plural, Klass: "org.hisp.dhis." + klass, Endpoint: "/" + plural, Identifiable: true}
		s.Properties = append(append(s.Properties, common...), more...)
		values := complexOf("attributeValues")
		values.Item, values.Embedded = "attributeValue", true
		s.Properties = append(s.Properties, values)
		if singular != "optionSet" && singular != "indicatorType" && singular != "categoryCombo" && singular != "user" {
			s.Properties = append(s.Properties, nameable...)
		}
		return s
	}
	factor := simple("factor", dhis2.TypeInteger)
	valueType := simple("valueType", dhis2.TypeConstant)
	valueType.Klass = "org.hisp.dhis.common.ValueType"
	valueType.Constants = []string{"TEXT", "LONG_TEXT", "MULTI_TEXT", "LETTER", "PHONE_NUMBER", "EMAIL", "BOOLEAN", "TRUE_ONLY", "DATE", "DATETIME", "TIME", "NUMBER", "UNIT_INTERVAL", "PERCENTAGE", "INTEGER", "INTEGER_POSITIVE", "INTEGER_NEGATIVE", "INTEGER_ZERO_OR_POSITIVE", "USERNAME", "COORDINATE", "ORGANISATION_UNIT", "REFERENCE", "AGE", "URL", "FILE_RESOURCE", "IMAGE", "GEOJSON"}
	groups := collection("dataElementGroups", "dataElementGroup")
	groups.Owner = false
	dataSets := dhis2.Property{Name: "dataSetElements", Type: dhis2.TypeCollection, Persisted: true, Embedded: true}
	levels := dhis2.Property{Name: "aggregationLevels", Type: dhis2.TypeCollection, Owner: true, Persisted: true}
	optionSetValue := simple("optionSetValue", dhis2.TypeBoolean)
	optionSetValue.Owner, optionSetValue.Persisted = false, false
	dimensionItem := simple("dimensionItem", dhis2.TypeText)
	dimensionItem.Owner, dimensionItem.Persisted = false, false
	attribute := schema("attribute", "attributes", "attribute.Attribute", valueType, simple("dataElementAttribute", dhis2.TypeBoolean), simple("userAttribute", dhis2.TypeBoolean),
		dhis2.Property{Name: "objectTypes", Type: dhis2.TypeCollection, Persisted: true})
	attribute.NoGist = true
	return dhis2.NewSchemas(append(embeddedSchemas(),
		attribute,
		schema("user", "users", "user.User", simple("username", dhis2.TypeUsername)),
		schema("dataElement", "dataElements", "dataelement.DataElement", simple("description", dhis2.TypeText), valueType, simple("domainType", dhis2.TypeConstant), simple("aggregationType", dhis2.TypeConstant),
			dataSets, levels, simple("zeroIsSignificant", dhis2.TypeBoolean), collection("legendSets", "legendSet"), dimensionItem, optionSetValue,
			reference("categoryCombo", "categoryCombo"), reference("optionSet", "optionSet"), reference("commentOptionSet", "optionSet"), groups),
		schema("dataElementGroup", "dataElementGroups", "dataelement.DataElementGroup", collection("dataElements", "dataElement")),
		schema("organisationUnit", "organisationUnits", "organisationunit.OrganisationUnit", simple("description", dhis2.TypeText), simple("openingDate", dhis2.TypeDate), simple("closedDate", dhis2.TypeDate)),
		schema("indicatorType", "indicatorTypes", "indicator.IndicatorType", factor),
		schema("category", "categories", "category.Category", simple("dataDimensionType", dhis2.TypeConstant)),
		schema("categoryCombo", "categoryCombos", "category.CategoryCombo", collection("categories", "category")),
		schema("optionSet", "optionSets", "option.OptionSet", valueType, simple("version", dhis2.TypeInteger), collection("options", "option")),
		schema("constant", "constants", "constant.Constant", simple("value", dhis2.TypeNumber)),
	)...)
}

// embeddedSchemas are those of what stands inside of objects of every type.
func embeddedSchemas() []*dhis2.Schema {
	text := func(name string) dhis2.Property {
		return dhis2.Property{Name: name, Type: dhis2.TypeText, Owner: true, Persisted: true, Simple: true}
	}
	truth := func(name string) dhis2.Property {
		return dhis2.Property{Name: name, Type: dhis2.TypeBoolean, Simple: true}
	}
	set := func(name string) dhis2.Property {
		return dhis2.Property{Name: name, Type: dhis2.TypeCollection, Owner: true, Persisted: true, Embedded: true}
	}
	return []*dhis2.Schema{
		{Singular: "sharing", Klass: "org.hisp.dhis.user.sharing.Sharing", Properties: []dhis2.Property{
			text("owner"), truth("external"), set("users"), set("userGroups"), text("public")}},
		{Singular: "access", Klass: "org.hisp.dhis.security.acl.Access", Properties: []dhis2.Property{
			truth("manage"), truth("write"), truth("read"), truth("update"), truth("delete"),
			{Name: "data", Type: dhis2.TypeComplex, Item: "accessData", Embedded: true}}},
		{Singular: "accessData", Klass: "org.hisp.dhis.security.acl.AccessData", Properties: []dhis2.Property{truth("write"), truth("read")}},
		{Singular: "translation", Klass: "org.hisp.dhis.translation.Translation", Properties: []dhis2.Property{
			text("property"), text("locale"), text("value")}},
		{Singular: "attributeValue", Klass: "org.hisp.dhis.eav.AttributeValue", Properties: []dhis2.Property{
			text("value"), {Name: "attribute", Type: dhis2.TypeReference, Item: "attribute", Owner: true, Persisted: true}}},
	}
}
