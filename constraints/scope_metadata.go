package constraints

import (
	"maps"
	"net/url"
	"slices"
	"strings"
)

const metadata = "metadata"

// metadataTypes are the plural names of DHIS2's metadata types. Only these may
// stand in a scope on metadata.
var metadataTypes = []string{
	"aggregateDataExchanges", "analyticsPeriodBoundaries", "analyticsTableHooks", "apiToken", "attributes", "categories", "categoryCombos",
	"categoryOptionCombos", "categoryOptionGroupSets", "categoryOptionGroups", "categoryOptions", "constants", "dashboardItems", "dashboards",
	"dataApprovalLevels", "dataApprovalWorkflows", "dataElementGroupSets", "dataElementGroups", "dataElements", "dataEntryForms", "dataSetNotificationTemplates",
	"dataSets", "documents", "eventCharts", "eventFilters", "eventReports", "eventVisualizations", "expressionDimensionItems", "externalMapLayers",
	"indicatorGroupSets", "indicatorGroups", "indicatorTypes", "indicators", "interpretations", "jobConfigurations", "legendSets", "mapViews", "maps",
	"minMaxDataElements", "oAuth2Clients", "optionGroupSets", "optionGroups", "optionSets", "options", "organisationUnitGroupSets", "organisationUnitGroups",
	"organisationUnitLevels", "organisationUnits", "predictorGroups", "predictors", "programIndicatorGroups", "programIndicators", "programNotificationTemplates",
	"programRuleActions", "programRuleVariables", "programRules", "programSections", "programStageSections", "programStageWorkingLists", "programStages", "programs",
	"pushAnalysis", "relationshipTypes", "reports", "routes", "sections", "smsCommands", "sqlViews", "trackedEntityAttributes", "trackedEntityInstanceFilters",
	"trackedEntityTypes", "userGroups", "userRoles", "users", "validationNotificationTemplates", "validationRuleGroups", "validationRules", "visualizations",
}

// notEverywhere are the types that some release from 2.37 on does not know, or may
// come to drop, or does not export. An export that selects only such names is an
// export of everything to that server (DHIS2 2.44 DefaultMetadataExportService), so
// they do not count as a selection; beside another type they do no harm.
var notEverywhere = []string{
	"aggregateDataExchanges", "analyticsPeriodBoundaries", "apiToken", "dashboardItems", "eventCharts", "eventFilters", "eventReports", "eventVisualizations",
	"expressionDimensionItems", "interpretations", "minMaxDataElements", "oAuth2Clients", "programStageWorkingLists", "pushAnalysis", "routes",
}

// exportParams are the parameters of an export that are no types.
var exportParams = []string{
	"fields", "filter", "order", "skipSharing", "download", "defaults", "translate", "locale", "rootJunction", "paging", "format",
	"defaultFields", "defaultFilter", "defaultOrder", "inclusionStrategy",
}

// dependencies lists which types /api/<type>/<uid>/metadata can contain
// (DHIS2 2.44 DefaultMetadataExportService#getMetadataWithDependencies…).
var dependencies = map[string][]string{
	"optionSets":        {"attributes", "optionSets", "options"},
	"categoryCombos":    {"attributes", "categories", "categoryCombos", "categoryOptionCombos", "categoryOptions"},
	"dataElementGroups": {"attributes", "categories", "categoryCombos", "categoryOptionCombos", "categoryOptions", "dataElementGroups", "dataElements", "legendSets", "optionSets", "options"},
	"dashboards": {"attributes", "categories", "categoryCombos", "categoryOptionCombos", "categoryOptionGroupSets", "categoryOptionGroups", "categoryOptions", "dashboardItems", "dashboards",
		"dataElementGroupSets", "dataElementGroups", "dataElements", "dataSets", "documents", "eventCharts", "eventReports", "eventVisualizations", "expressionDimensionItems", "indicatorTypes", "indicators",
		"legendSets", "mapViews", "maps", "optionSets", "options", "organisationUnitGroupSets", "organisationUnitGroups", "programIndicators", "programStages", "programs", "reports",
		"trackedEntityAttributes", "visualizations"},
	"dataSets": {"attributes", "categories", "categoryCombos", "categoryOptionCombos", "categoryOptions", "dataElements", "dataEntryForms", "dataSets", "indicatorTypes", "indicators",
		"legendSets", "optionSets", "options", "sections"},
	"programs": {"attributes", "categories", "categoryCombos", "categoryOptionCombos", "categoryOptions", "dataElements", "dataEntryForms", "eventFilters", "legendSets", "optionGroups", "optionSets", "options",
		"programIndicators", "programNotificationTemplates", "programRuleActions", "programRuleVariables", "programRules", "programSections", "programStageSections", "programStageWorkingLists",
		"programStages", "programs", "relationshipTypes", "trackedEntityAttributes", "trackedEntityInstanceFilters", "trackedEntityTypes"},
}

// typeScopes are the types for which the scopes give an action on metadata; all is
// true for a scope on metadata without types.
func typeScopes(list []Scope, read bool) (types []string, all bool) {
	for i := range list {
		s := &list[i]
		if read && !s.read || !read && !s.write {
			continue
		}
		switch {
		case s.resource == metadata && len(s.selector) == 0:
			return nil, true
		case s.resource == metadata:
			types = append(types, s.selector...)
		case len(s.selector) == 0 && slices.Contains(metadataTypes, s.resource):
			types = append(types, s.resource)
		}
	}
	return types, false
}

// metadataAllowed judges /api/metadata and below.
func metadataAllowed(list []Scope, f *Facts, read bool) (narrow string, ok bool) {
	types, all := typeScopes(list, read)
	if all {
		return "", true
	}
	if len(f.Path.Segments) > 1 {
		return "", false // csvImportClasses, gml, sharing …: more than one type
	}
	if read {
		return exportAllowed(types, f.Query)
	}
	if f.Method == "POST" && validates(list) {
		if onlyValidates(f.Query) {
			return "", true
		}
		narrow = "send importMode=VALIDATE, once"
	}
	if len(types) > 0 && f.Method == "POST" {
		return "", true // the body is held against the types, see ImportTypes
	}
	return narrow, false
}

func validates(list []Scope) bool {
	return slices.ContainsFunc(list, func(s Scope) bool { return s.validate })
}

// onlyValidates: DHIS2 takes the first of repeated parameters, and COMMIT for any
// value but exactly VALIDATE.
func onlyValidates(query string) bool {
	q, err := url.ParseQuery(query)
	return err == nil && !tooMany(query) && len(q["importMode"]) == 1 && q["importMode"][0] == "VALIDATE"
}

// mostParams is how many parameters a request may have whose parameters decide what
// it may do. DHIS2's container drops those over its limit without a word (Tomcat
// maxParameterCount, 1000 to 10000), and with them a selection of types.
const mostParams = 200

func tooMany(query string) bool { return strings.Count(query, "&") >= mostParams }

// exportAllowed holds an export's query against the types. What DHIS2 might read
// in another way than this is refused: a repeated or unknown name, or a selection
// that it could ignore.
func exportAllowed(types []string, query string) (narrow string, ok bool) {
	if len(types) == 0 {
		return "", false
	}
	narrow = "no type of the scopes is one that every DHIS2 knows: ask for a scope on metadata, or on one more type"
	if i := slices.IndexFunc(types, everywhere); i >= 0 {
		narrow = "select types by " + types[i] + "=true"
	}
	if tooMany(query) {
		return "send fewer parameters", false
	}
	q, err := url.ParseQuery(query)
	if err != nil {
		return narrow, false
	}
	selected := false
	for _, name := range slices.Sorted(maps.Keys(q)) { // so that one request gets one answer
		values := q[name]
		kind, part, dotted := strings.Cut(name, ":")
		if !dotted {
			if slices.Contains(exportParams, name) {
				continue
			}
			if !slices.Contains(types, name) && !slices.ContainsFunc(values, isTrue) {
				continue // selects nothing
			}
			if len(values) != 1 {
				return "send " + name + " once", false
			}
			if !isTrue(values[0]) {
				continue
			}
		}
		if !slices.Contains(types, kind) {
			return "leave out " + name, false
		}
		if dotted && part != "fields" && part != "filter" && part != "order" || dotted && slices.Contains(values, "") {
			continue // DHIS2 may or may not take it as a selection
		}
		selected = selected || everywhere(kind)
	}
	if !selected {
		return narrow, false
	}
	return "", true
}

func everywhere(kind string) bool { return !slices.Contains(notEverywhere, kind) }

func isTrue(s string) bool { return strings.EqualFold(s, "true") }

// dependenciesAllowed judges /api/<type>/<uid>/metadata: every type that the
// export can contain must be covered.
func dependenciesAllowed(list []Scope, kind string) (narrow string, ok bool) {
	types, all := typeScopes(list, true)
	if all && slices.Contains(metadataTypes, kind) {
		return "", true
	}
	needed, known := dependencies[kind]
	if !known {
		return "", false
	}
	for _, t := range needed {
		if !slices.Contains(types, t) {
			return "the export can contain " + t + ": ask for a scope on metadata, or for /api/metadata with " + kind + "=true", false
		}
	}
	return "", true
}

// ImportTypes says which types the body of POST /api/metadata may hold. Limited is
// false where any may: the token has no scope, one on metadata as a whole, or only
// validates.
func (s Set) ImportTypes(f Facts) (types []string, limited bool) {
	first := true
	for i := range s.Attributes {
		a := &s.Attributes[i]
		if a.Kind != ScopeAllowedList || len(a.Values) == 0 || len(f.Path.Segments) == 0 || f.Path.Segments[0] != metadata || isRead(f.Method) {
			continue
		}
		if slices.ContainsFunc(a.scopes, func(sc Scope) bool { return sc.resource == "*" && sc.write }) {
			continue
		}
		here, all := typeScopes(a.scopes, false)
		if all || validates(a.scopes) && onlyValidates(f.Query) {
			continue
		}
		if first {
			types, first = here, false
		} else {
			types = slices.DeleteFunc(types, func(t string) bool { return !slices.Contains(here, t) })
		}
		limited = true
	}
	return types, limited
}

// Imports reports whether the request is a metadata import, whose body holds
// objects by type (DHIS2 2.44 MetadataImportExportController).
func (f *Facts) Imports() bool {
	return !isRead(f.Method) && f.Path.API && len(f.Path.Segments) == 1 && bare(f.Path.Segments[0]) == metadata
}

// GivesAccess reports whether objects of a metadata type are credentials, or make
// some: a limited credential must make none, since what it made would have its
// owner's whole rights. DHIS2 names its members exactly; cases are not told apart,
// nor singular from plural, so that no release is missed.
func GivesAccess(kind string) bool {
	switch strings.ToLower(kind) {
	case "apitoken", "apitokens", "oauth2client", "oauth2clients":
		return true
	}
	return false
}
