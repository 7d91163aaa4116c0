// Package metadata is the object engine of the sandbox: what a DHIS2 knows about
// users, roles, groups and every other type of metadata, and how its API lists,
// reads, changes, exports and imports them. It follows a recorded DHIS2 2.44 to
// the status code and the message.
//
// It does not authenticate, keep sessions or serve the dataStore: package sandbox
// does, and calls ServeHTTP with the user it made out. Objects are JSON documents
// in SQLite with indexed identifiers; what a type looks like stands in one table
// of schemas. Read service.go first, then account.go.
package metadata
