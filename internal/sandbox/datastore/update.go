package datastore

import (
	"database/sql"
	"regexp"
	"strings"

	"github.com/d2gate/d2gate/internal/sandbox/jsonb"
)

var dots = regexp.MustCompile(`\.{2,}`)

// updatePath makes the steps of a path as DHIS2 does: an array literal of
// PostgreSQL, cut at dots, commas and [n].
func updatePath(path string) ([]string, error) {
	path = dots.ReplaceAllString(indexForm.ReplaceAllString(path, ".$1"), ".")
	return jsonb.ParseArray(strings.ReplaceAll(path, ".", ","))
}

// changed is an entry's value after an update. Error: *jsonb.DatabaseError.
func changed(old sql.NullString, to jsonb.Value, u Update) (sql.NullString, error) {
	steps, err := updatePath(u.Path)
	if err != nil {
		return old, err
	}
	if !old.Valid {
		if len(steps) > 0 {
			return old, nil // nothing can be set in NULL
		}
		return sql.NullString{String: to.String(), Valid: true}, nil
	}
	root, err := jsonb.Parse(old.String)
	if err != nil {
		return old, err
	}
	if u.Rolls {
		node, there := root.Get(steps)
		to = rolled(node, there, to, u.Roll)
	}
	next := to
	if len(steps) > 0 {
		if next, err = jsonb.Set(root, steps, to, u.Rolls); err != nil {
			return old, err
		}
	}
	return sql.NullString{String: next.String(), Valid: true}, nil
}

// rolled is what a roll puts in place of a node: an array grows and, when it was
// as long as n, loses its first item; nothing or null becomes an array; anything
// else is replaced.
func rolled(node jsonb.Value, there bool, to jsonb.Value, n int) jsonb.Value {
	switch {
	case !there || node.Kind() == jsonb.Null:
		return jsonb.List(to)
	case node.Kind() != jsonb.Array:
		return to
	}
	items := node.Items()
	if len(items) >= n && len(items) > 0 {
		items = items[1:]
	}
	return jsonb.List(append(append([]jsonb.Value{}, items...), to)...)
}
