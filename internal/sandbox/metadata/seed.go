package metadata

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
)

// The uids that every DHIS2 gives to what it makes itself.
const (
	adminUID               = "M5zQapPyTZI"
	superuserUID           = "yrB6vc5Ip3r"
	defaultOptionUID       = "xYerKDKCefk"
	defaultCategoryUID     = "GLevLNI9wkl"
	defaultComboUID        = "bjDvmb4bfuf"
	defaultOptionComboUID  = "HllvX50cXC0"
	nurseUID, nurseRoleUID = "Nurse000001", "NurseRole01"
)

// seedAccount is one of the accounts that a new sandbox has.
type seedAccount struct{ uid, username, password string }

var seedAccounts = []seedAccount{
	{adminUID, "admin", "district"},
	{nurseUID, "nurse", "Nurse-pass-1"},
}

// seedObject is one document of a new sandbox; refs are its associations.
type seedObject struct {
	typ, uid string
	doc      map[string]any
	refs     [][3]string // property, type and uid of the target
}

func id(uid string) map[string]any { return map[string]any{"id": uid} }

// seedObjects are DHIS2's default category objects and the two users with a role
// each. DHIS2 makes the former on its first start (DefaultCategoryService).
func seedObjects() []seedObject {
	open := map[string]any{"owner": adminUID, "external": false, "users": map[string]any{}, "userGroups": map[string]any{}, "public": "rwrw----"}
	meta := map[string]any{"external": false, "users": map[string]any{}, "userGroups": map[string]any{}, "public": "rw------"}
	named := func(extra map[string]any) map[string]any {
		extra["name"], extra["code"] = "default", "default"
		return extra
	}
	return []seedObject{
		{"categoryOption", defaultOptionUID, named(map[string]any{"shortName": "default", "sharing": open}), nil},
		{"category", defaultCategoryUID, named(map[string]any{"shortName": "default", "dataDimensionType": "DISAGGREGATION", "dataDimension": false,
			"sharing": open, "categoryOptions": []any{id(defaultOptionUID)}}), [][3]string{{"categoryOptions", "categoryOption", defaultOptionUID}}},
		{"categoryCombo", defaultComboUID, named(map[string]any{"dataDimensionType": "DISAGGREGATION", "skipTotal": false, "sharing": meta,
			"categories": []any{id(defaultCategoryUID)}}), [][3]string{{"categories", "category", defaultCategoryUID}}},
		{"categoryOptionCombo", defaultOptionComboUID, named(map[string]any{"ignoreApproval": false, "categoryCombo": id(defaultComboUID), "categoryOptions": []any{id(defaultOptionUID)}}),
			[][3]string{{"categoryCombo", "categoryCombo", defaultComboUID}, {"categoryOptions", "categoryOption", defaultOptionUID}}},
		{"userRole", superuserUID, map[string]any{"name": "Superuser", "code": "Superuser", "description": "Superuser", "authorities": []any{"ALL"}, "sharing": meta}, nil},
		{"userRole", nurseRoleUID, map[string]any{"name": "Nurse", "authorities": []any{}, "sharing": meta}, nil},
		{"user", adminUID, map[string]any{"code": "admin", "username": "admin", "firstName": "admin", "surname": "admin", "disabled": false, "externalAuth": false, "invitation": false, "selfRegistered": false,
			"userRoles": []any{id(superuserUID)}}, [][3]string{{"userRoles", "userRole", superuserUID}}},
		{"user", nurseUID, map[string]any{"username": "nurse", "firstName": "Demo", "surname": "Nurse", "disabled": false, "externalAuth": false, "invitation": false, "selfRegistered": false,
			"userRoles": []any{id(nurseRoleUID)}}, [][3]string{{"userRoles", "userRole", nurseRoleUID}}},
	}
}

// seed fills an empty sandbox.
func (s *Service) seed(ctx context.Context) error {
	var n int
	if err := s.db.QueryRowContext(ctx, `SELECT count(*) FROM md_account`).Scan(&n); err != nil {
		return fmt.Errorf("look for accounts: %w", err)
	}
	if n > 0 {
		return nil
	}
	return s.write(ctx, func(tx *sql.Tx) error {
		at := stamp(s.now())
		for _, o := range seedObjects() {
			if err := putSeed(ctx, tx, o, at); err != nil {
				return err
			}
		}
		for _, a := range seedAccounts {
			hash, err := hashPassword(a.password)
			if err != nil {
				return err
			}
			if _, err := tx.ExecContext(ctx, `INSERT INTO md_account (uid, username, password, password_changed, history, two_factor, two_factor_secret, last_login)
				VALUES (?, ?, ?, ?, '', 'NOT_ENABLED', '', '')`, a.uid, a.username, hash, at); err != nil {
				return fmt.Errorf("seed account: %w", err)
			}
		}
		return nil
	})
}

func putSeed(ctx context.Context, tx *sql.Tx, o seedObject, at string) error {
	o.doc["id"], o.doc["created"], o.doc["lastUpdated"] = o.uid, at, at
	doc, err := json.Marshal(o.doc)
	if err != nil {
		return fmt.Errorf("seed %s: %w", o.typ, err)
	}
	res, err := tx.ExecContext(ctx, `INSERT INTO md_object (type, uid, code, name, doc, created, last_updated) VALUES (?, ?, ?, ?, ?, ?, ?)`,
		o.typ, o.uid, o.doc["code"], o.doc["name"], doc, at, at)
	if err != nil {
		return fmt.Errorf("seed %s: %w", o.typ, err)
	}
	seq, err := res.LastInsertId()
	if err != nil {
		return fmt.Errorf("seed %s: %w", o.typ, err)
	}
	for _, r := range o.refs {
		if _, err := tx.ExecContext(ctx, `INSERT INTO md_ref (target_type, target, type, property, seq) VALUES (?, ?, ?, ?, ?)`, r[1], r[2], o.typ, r[0], seq); err != nil {
			return fmt.Errorf("seed %s: %w", o.typ, err)
		}
	}
	return nil
}
