package metadata

import (
	"slices"
	"strings"
)

// plainAuthorities are those of DHIS2 2.44 that belong to no type of the table.
var plainAuthorities = strings.Fields(`ALL F_ACCEPT_DATA_LOWER_LEVELS F_ACCOUNT_RECOVERY F_ANALYTICSTABLEHOOK_ADD F_APPROVE_DATA
F_APPROVE_DATA_LOWER_LEVELS F_CAPTURE_DATASTORE_UPDATE F_CATEGORY_OPTION_MERGE F_DATAVALUE_ADD F_DATAVALUE_DELETE F_DATA_APPROVAL_LEVEL F_DATA_APPROVAL_WORKFLOW F_EDIT_EXPIRED
F_ENROLLMENT_CASCADE_DELETE F_EXPORT_DATA F_EXPORT_EVENTS F_GENERATE_MIN_MAX_VALUES F_IGNORE_TRACKER_REQUIRED_VALUE_VALIDATION F_IMPERSONATE_USER F_IMPORT_DATA F_IMPORT_EVENTS
F_INDICATOR_TYPE_MERGE F_INSERT_CUSTOM_JS_CSS F_LOCALE_ADD F_LOCALE_DELETE F_METADATA_EXPORT F_METADATA_IMPORT F_METADATA_MANAGE F_MINMAX_DATAELEMENT_ADD F_MOBILE_SENDSMS F_MOBILE_SETTINGS
F_OAUTH2_CLIENT_MANAGE F_ORGANISATIONUNIT_MOVE F_ORGANISATION_UNIT_MERGE F_ORGANISATION_UNIT_SPLIT F_ORG_UNIT_PROFILE_ADD F_PERFORM_ANALYTICS_EXPLAIN F_PERFORM_MAINTENANCE F_PREDICTOR_RUN
F_REPLICATE_USER F_RUN_VALIDATION F_SCHEDULING_ADMIN F_SCHEDULING_CASE_AGGREGATE_QUERY_BUILDER F_SEND_EMAIL F_SQLVIEW_EXECUTE F_SYSTEM_SETTING F_TEI_CASCADE_DELETE F_TEI_MERGE
F_TRACKER_IMPORTER_EXPERIMENTAL F_UNCOMPLETE_EVENT F_USER_ADD F_USER_ADD_WITHIN_MANAGED_GROUP F_USER_DELETE F_USER_DELETE_WITHIN_MANAGED_GROUP F_USER_GROUPS_READ_ONLY_ADD_MEMBERS
F_USER_REPLICATE F_USER_VIEW F_USER_VIEW_WITHIN_MANAGED_GROUP F_VIEW_EVENT_ANALYTICS F_VIEW_SERVER_INFO F_VIEW_UNAPPROVED_DATA M_dhis-web-app-management M_dhis-web-approval M_dhis-web-capture
M_dhis-web-dashboard M_dhis-web-data-administration M_dhis-web-data-visualizer M_dhis-web-import-export M_dhis-web-interpretation M_dhis-web-maintenance M_dhis-web-maps
M_dhis-web-messaging M_dhis-web-reports M_dhis-web-settings M_dhis-web-tracker-capture M_dhis-web-user M_dhis-web-aggregate-data-entry M_dhis-web-line-listing M_dhis-web-scheduler M_dhis-web-translations`)

// allAuthorities lists every authority once.
func (s *Service) allAuthorities() []string {
	list := slices.Clone(plainAuthorities)
	for _, t := range s.cat.schemas {
		for _, a := range t.authorities {
			list = append(list, a.names...)
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// authorityName is an authority in words: F_DATAELEMENT_PUBLIC_ADD is "Dataelement public add".
func authorityName(id string) string {
	name := strings.TrimPrefix(strings.TrimPrefix(id, "F_"), "M_dhis-web-")
	name = strings.ToLower(strings.NewReplacer("_", " ", "-", " ").Replace(name))
	if name == "" {
		return id
	}
	if strings.HasPrefix(id, "M_") {
		name += " app"
	}
	return strings.ToUpper(name[:1]) + name[1:]
}
