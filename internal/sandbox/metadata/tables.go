package metadata

import (
	"context"
	"fmt"
)

// tables are the tables of this package. md_object holds one document a row:
// doc is a JSON object with the members that the object owns, created and
// last_updated are in DHIS2's form (2006-01-02T15:04:05.000, UTC). md_ref says
// which object names which other in which property, for the other side of an
// association and for vetoes of deletion; md_unique holds the values that may
// stand once. md_account holds what no document may:
// password hashes (bcrypt) and second factors.
var tables = []string{
	`CREATE TABLE IF NOT EXISTS md_object (
		seq INTEGER PRIMARY KEY,
		type TEXT NOT NULL,
		uid TEXT NOT NULL,
		code TEXT,
		name TEXT,
		doc BLOB NOT NULL,
		created TEXT NOT NULL,
		last_updated TEXT NOT NULL)`,
	`CREATE UNIQUE INDEX IF NOT EXISTS md_object_uid ON md_object (type, uid)`,
	`CREATE INDEX IF NOT EXISTS md_object_code ON md_object (type, code) WHERE code IS NOT NULL`,
	`CREATE INDEX IF NOT EXISTS md_object_name ON md_object (type, name)`,
	`CREATE TABLE IF NOT EXISTS md_ref (
		target_type TEXT NOT NULL,
		target TEXT NOT NULL,
		type TEXT NOT NULL,
		property TEXT NOT NULL,
		seq INTEGER NOT NULL,
		PRIMARY KEY (target_type, target, type, property, seq)) WITHOUT ROWID`,
	`CREATE INDEX IF NOT EXISTS md_ref_seq ON md_ref (seq)`,
	`CREATE TABLE IF NOT EXISTS md_unique (
		type TEXT NOT NULL,
		property TEXT NOT NULL,
		value TEXT NOT NULL,
		seq INTEGER NOT NULL,
		PRIMARY KEY (type, property, value, seq)) WITHOUT ROWID`,
	`CREATE INDEX IF NOT EXISTS md_unique_seq ON md_unique (seq)`,
	`CREATE TABLE IF NOT EXISTS md_period_label (name TEXT PRIMARY KEY, label TEXT NOT NULL) WITHOUT ROWID`,
	`CREATE TABLE IF NOT EXISTS md_account (
		uid TEXT PRIMARY KEY,
		username TEXT NOT NULL UNIQUE,
		password TEXT NOT NULL,
		password_changed TEXT NOT NULL,
		history TEXT NOT NULL,
		two_factor TEXT NOT NULL,
		two_factor_secret TEXT NOT NULL,
		last_login TEXT NOT NULL) WITHOUT ROWID`,
}

func (s *Service) createTables(ctx context.Context) error {
	for _, ddl := range tables {
		if _, err := s.db.ExecContext(ctx, ddl); err != nil {
			return fmt.Errorf("create metadata tables: %w", err)
		}
	}
	return nil
}
