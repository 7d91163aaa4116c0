// Package dhis2 is DHIS2's vocabulary: the WebMessage, the resource of a path,
// uids, authorities, the query language (fields, filter, order) and JSON Patch.
// It knows no HTTP server and no store. Read path.go and webmessage.go first.
package dhis2
