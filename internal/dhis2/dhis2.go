// Package dhis2 is DHIS2's vocabulary: what a path names, the WebMessage, uids,
// authorities, schemas, the query language of lists (fields, filter, order,
// paging), JSON as Jackson reads it, JSON Patch, and periods. It answers what DHIS2
// 2.44 would say to a request about documents that the caller holds.
//
// It keeps no objects, asks nobody, and serves nothing: documents come through the
// interface Documents, answers go out as values. Read path.go and webmessage.go
// first, then schema.go and list.go.
package dhis2
