package metadata

import "strings"

// This file turns the axes of a visualization (columns, rows, filters) into what is
// stored of them, and back (DHIS2 2.44 BaseAnalyticalObject).

var axes = []struct{ axis, names string }{{"columns", "columnDimensions"}, {"rows", "rowDimensions"}, {"filters", "filterDimensions"}}

// foldDimensions stores the items of the axes in the members that DHIS2 keeps. A
// document without axes (an export) is left alone.
func foldDimensions(doc document) {
	for _, a := range axes {
		list, ok := doc[a.axis].([]any)
		delete(doc, a.axis)
		if !ok {
			continue
		}
		names := []any{}
		for _, v := range list {
			d, _ := v.(map[string]any)
			name := textOf(d, "dimension")
			if name == "" {
				name = textOf(d, "id")
			}
			if name == "" {
				continue
			}
			names = append(names, name)
			foldDimension(doc, name, d)
		}
		doc[a.names] = names
	}
}

func foldDimension(doc document, name string, d document) {
	var data, periods, units []any
	for _, v := range listOf(d, "items") {
		item, _ := v.(map[string]any)
		uid := textOf(item, "id")
		if uid == "" {
			uid = textOf(item, "dimensionItem")
		}
		switch name {
		case "dx":
			kind := textOf(item, "dimensionItemType")
			if kind == "" {
				kind = "DATA_ELEMENT"
			}
			data = append(data, map[string]any{"dataDimensionItemType": kind, memberOf(kind): id(uid)})
		case "pe":
			periods = append(periods, uid)
		case "ou":
			switch uid {
			case "USER_ORGUNIT":
				doc["userOrganisationUnit"] = true
			case "USER_ORGUNIT_CHILDREN":
				doc["userOrganisationUnitChildren"] = true
			case "USER_ORGUNIT_GRANDCHILDREN":
				doc["userOrganisationUnitGrandChildren"] = true
			default:
				units = append(units, id(uid))
			}
		}
	}
	switch name {
	case "dx":
		doc["dataDimensionItems"] = orEmpty(data)
	case "pe":
		doc["rawPeriods"] = orEmpty(periods)
	case "ou":
		doc["organisationUnits"] = orEmpty(units)
	}
}

func orEmpty(list []any) []any {
	if list == nil {
		return []any{}
	}
	return list
}

// memberOf turns DATA_ELEMENT into dataElement.
func memberOf(kind string) string {
	words := strings.Split(strings.ToLower(kind), "_")
	for i := 1; i < len(words); i++ {
		if words[i] != "" {
			words[i] = strings.ToUpper(words[i][:1]) + words[i][1:]
		}
	}
	return strings.Join(words, "")
}

// unfoldAxis is an axis as it is shown; named looks up the name of an object.
func unfoldAxis(doc document, axis string, named func(member, uid string) string) []any {
	out := []any{}
	for _, a := range axes {
		if a.axis != axis {
			continue
		}
		for _, v := range listOf(doc, a.names) {
			name, _ := v.(string)
			out = append(out, map[string]any{"dimension": name, "items": unfoldItems(doc, name, named)})
		}
	}
	return out
}

func unfoldItems(doc document, name string, named func(member, uid string) string) []any {
	items := []any{}
	add := func(member, uid, kind string) {
		item := map[string]any{"id": uid, "dimensionItem": uid}
		if kind != "" {
			item["dimensionItemType"] = kind
		}
		if n := named(member, uid); n != "" {
			item["name"], item["displayName"] = n, n
		}
		items = append(items, item)
	}
	switch name {
	case "dx":
		for _, v := range listOf(doc, "dataDimensionItems") {
			d, _ := v.(map[string]any)
			kind := textOf(d, "dataDimensionItemType")
			if uid := idOf(d[memberOf(kind)]); uid != "" {
				add(memberOf(kind), uid, kind)
			}
		}
	case "pe":
		for _, v := range listOf(doc, "rawPeriods") {
			if p, ok := v.(string); ok {
				add("", p, "PERIOD")
			}
		}
	case "ou":
		for _, k := range []struct{ member, name string }{{"userOrganisationUnit", "USER_ORGUNIT"}, {"userOrganisationUnitChildren", "USER_ORGUNIT_CHILDREN"}, {"userOrganisationUnitGrandChildren", "USER_ORGUNIT_GRANDCHILDREN"}} {
			if boolOf(doc, k.member) {
				add("", k.name, "ORGANISATION_UNIT")
			}
		}
		for _, v := range listOf(doc, "organisationUnits") {
			add("organisationUnit", idOf(v), "ORGANISATION_UNIT")
		}
	}
	return items
}
