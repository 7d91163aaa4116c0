package store

import (
	"errors"
	"fmt"
	"strings"

	"github.com/d2gate/d2gate/pat"
	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// editError carries what an edit function returned out of its transaction.
type editError struct{ err error }

func (e editError) Error() string { return e.err.Error() }
func (e editError) Unwrap() error { return e.err }

// tokenError gives the sentinels and the errors of edit functions as they are, and
// wraps the rest with what was being done.
func tokenError(doing string, err error) error {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[editError](err); ok {
		return e.err
	}
	if errors.Is(err, pat.ErrUnknown) {
		return pat.ErrUnknown
	}
	if takenBy(err, "api_token.code", "api_token_code_key") {
		return pat.ErrDuplicate
	}
	return fmt.Errorf("%s: %w", doing, err)
}

// takenBy reports whether err says that a unique column has the value already;
// SQLite names the column, PostgreSQL the constraint.
func takenBy(err error, column, constraint string) bool {
	if e, ok := errors.AsType[*sqlite.Error](err); ok {
		return e.Code() == sqlite3.SQLITE_CONSTRAINT_UNIQUE && strings.Contains(e.Error(), column)
	}
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return e.Code == "23505" && e.ConstraintName == constraint
	}
	return false
}

// orElse returns err, or otherwise if it is nil.
func orElse(err, otherwise error) error {
	if err != nil {
		return err
	}
	return otherwise
}

// isDuplicate reports whether err says that some unique value is taken.
func isDuplicate(err error) bool {
	if e, ok := errors.AsType[*sqlite.Error](err); ok {
		return e.Code() == sqlite3.SQLITE_CONSTRAINT_UNIQUE || e.Code() == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY
	}
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return e.Code == "23505"
	}
	return false
}
