package datastore

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"unicode/utf8"

	"github.com/d2gate/d2gate/internal/dhis2"
	"github.com/d2gate/d2gate/internal/sandbox/jsonb"
)

// Update is what a PUT wants. Path and Roll are there since 2.41.
type Update struct {
	Body    string // empty: nothing was sent
	Encrypt bool   // of a new entry
	Path    string // where in the value the body goes, "" for the whole
	Roll    int    // how long an array may grow before its first item goes
	Rolls   bool   // Roll was given
}

// Result is what a change was: the status and the words.
type Result struct {
	Status  int
	Message string
}

// maxName is the length of a namespace and a key, in characters; maxSecret that of
// an encrypted value, in characters of the cipher text.
const (
	maxName   = 255
	maxSecret = 255
)

// Create stores a new entry. Errors: 403, 409 when it is there, 400 for what is no
// JSON, 409 for what the database would not take.
func (s *Service) Create(ctx context.Context, a Actor, ns, key, body string, encrypt bool) (Result, error) {
	done := Result{http.StatusCreated, s.words.created(key)}
	switch s.writing(a, ns) {
	case Restricted:
		return Result{}, s.words.protected(ns)
	case Hidden:
		return done, nil
	}
	s.changing.Lock()
	defer s.changing.Unlock()
	old, err := s.readable(ctx, a, ns, key)
	if err == nil && old != nil {
		err = s.words.duplicate(ns, key)
	}
	if err != nil {
		return Result{}, err
	}
	return done, s.insert(ctx, "", a, ns, key, body, encrypt)
}

// insert checks a value and stores it.
func (s *Service) insert(ctx context.Context, owner string, a Actor, ns, key, body string, encrypt bool) error {
	value := sql.NullString{}
	if body != "" {
		v, err := s.parse(key, body)
		if err != nil {
			return err
		}
		value = sql.NullString{String: v.String(), Valid: true}
		if encrypt {
			value.String = body
		}
	}
	if err := limits(ns, key, value, encrypt); err != nil {
		return err
	}
	uid, err := dhis2.NewUID(s.rand)
	if err != nil {
		return fmt.Errorf("make uid: %w", err)
	}
	sharing := ""
	if owner == "" {
		b, err := json.Marshal(newSharing(a.UID))
		if err != nil {
			return fmt.Errorf("encode sharing: %w", err)
		}
		sharing = string(b)
	}
	at := s.now().UTC().Format(stamp)
	res, err := s.db.ExecContext(ctx, `INSERT INTO ds_entry (uid, owner, namespace, key, value, encrypted, created, updated, created_by, updated_by, sharing)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (owner, namespace, key) DO NOTHING`,
		uid, owner, ns, key, value, encrypt && value.Valid, at, at, a.UID, a.UID, sharing)
	if err != nil {
		return fmt.Errorf("store entry: %w", err)
	}
	if n, err := res.RowsAffected(); err == nil && n == 0 {
		return s.words.duplicate(ns, key) // there, but hidden from the writer
	}
	return nil
}

// parse reads a value in DHIS2's words.
func (s *Service) parse(key, body string) (jsonb.Value, error) {
	v, err := jsonb.Parse(body)
	if refused, ok := errors.AsType[*jsonb.DatabaseError](err); ok {
		return v, databaseConflict(refused.Message)
	}
	if err != nil {
		return v, s.words.badJSON(key)
	}
	return v, nil
}

// limits are those of DHIS2's columns.
func limits(ns, key string, value sql.NullString, encrypt bool) error {
	cipher := 0
	if encrypt && value.Valid {
		blocks := len(value.String)/16 + 1 // AES with salt and vector before it, in base64
		cipher = (32 + 16*blocks + 2) / 3 * 4
	}
	if utf8.RuneCountInString(ns) > maxName || utf8.RuneCountInString(key) > maxName || cipher > maxSecret {
		return databaseConflict("ERROR: value too long for type character varying(255)")
	}
	return nil
}

// Put stores, changes or (with an empty body) deletes an entry. Errors as Create.
func (s *Service) Put(ctx context.Context, a Actor, ns, key string, u Update) (Result, error) {
	created := Result{http.StatusCreated, s.words.created(key)}
	switch s.writing(a, ns) {
	case Restricted:
		return Result{}, s.words.protected(ns)
	case Hidden:
		return created, nil
	}
	s.changing.Lock()
	defer s.changing.Unlock()
	old, err := s.readable(ctx, a, ns, key)
	if err != nil {
		return Result{}, err
	}
	if old == nil {
		if s.words.minor <= 37 {
			return Result{}, s.words.noKey(ns, key)
		}
		return created, s.insert(ctx, "", a, ns, key, u.Body, u.Encrypt)
	}
	if u.Body != "" {
		if _, err := s.parse(key, u.Body); err != nil {
			return Result{}, err
		}
	}
	if !old.sharing.CanWrite(a) {
		return Result{}, s.words.unwritable(ns, key)
	}
	return Result{http.StatusOK, s.words.updated(key)}, s.update(ctx, old, key, u)
}

// update changes an entry that is there. DHIS2 does it by native SQL that leaves
// lastUpdated, lastUpdatedBy and an encrypted value alone.
func (s *Service) update(ctx context.Context, old *row, key string, u Update) error {
	if u.Body == "" && u.Path == "" {
		return s.remove(ctx, old.id)
	}
	to := jsonb.Value{}
	if u.Body != "" {
		v, err := s.parse(key, u.Body)
		if err != nil {
			return err
		}
		to = v
	}
	if old.encrypted {
		return nil
	}
	next, err := changed(old.value, to, u)
	if refused, ok := errors.AsType[*jsonb.DatabaseError](err); ok {
		return databaseConflict(refused.Message)
	}
	if err != nil {
		return err
	}
	if _, err := s.db.ExecContext(ctx, `UPDATE ds_entry SET value = ? WHERE id = ?`, next, old.id); err != nil {
		return fmt.Errorf("change entry: %w", err)
	}
	return nil
}
