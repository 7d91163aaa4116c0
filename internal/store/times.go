package store

import (
	"database/sql"
	"time"
)

// millis is an instant as stored; the zero time is NULL.
func millis(t time.Time) sql.NullInt64 {
	return sql.NullInt64{Int64: t.UnixMilli(), Valid: !t.IsZero()}
}

// instant reads what millis wrote.
func instant(v sql.NullInt64) time.Time {
	if !v.Valid {
		return time.Time{}
	}
	return time.UnixMilli(v.Int64).UTC()
}

func nullable(s string) sql.NullString { return sql.NullString{String: s, Valid: s != ""} }
