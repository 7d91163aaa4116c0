package pat

import (
	"context"
	"errors"
	"time"

	"github.com/d2gate/d2gate/constraints"
)

// Owner is the DHIS2 user that a token acts as.
type Owner struct {
	UID         string // DHIS2 uid; "" where the back end names none
	Username    string // exact, case-sensitive
	Name        string // "first last", as /api/me says
	DisplayName string
}

// Record is what is stored of a token: a row of api_token, without the secret.
type Record struct {
	UID           string
	Code          string // the token's name in DHIS2; "" if unset; unique otherwise
	Created       time.Time
	LastUpdated   time.Time
	Owner         Owner // createdBy
	LastUpdatedBy Owner
	Version       int    // 1 or 2 when minted; PUT and PATCH may set any, as in DHIS2
	Type          string // PERSONAL_ACCESS_TOKEN_V1 or _V2
	Constraints   constraints.Set
	Sharing       string    // JSON object as DHIS2 stores it; "" means private to the owner
	LastUsed      time.Time // zero means never
	LastUsedFrom  string
	OverlapEnds   time.Time // until when a rotated-out hash lives; zero means none
	Origin        string    // "d2gate", "dhis2" (imported) or "demo"
}

// The errors of a Store.
var (
	ErrUnknown   = errors.New("no such token")
	ErrDuplicate = errors.New("a token with this code exists")
)

// Lookup is what Verify needs: the record, and whether the presented hash is the
// one that a rotation has replaced (then it ends at the record's OverlapEnds).
type Lookup struct {
	Record  Record
	Rotated bool
}

// Filter selects records for a list. The zero value selects all.
type Filter struct {
	Username string // owner's user name, "" for any
	// UserUID is the uid of the same user, "" if unknown. A token whose owner has
	// another uid is of an earlier account of that name and is not selected.
	UserUID string
	// Shared selects also what others have shared with UserUID or with everybody.
	Shared     bool
	OwnerName  string    // the owner's user name, whoever asks; "" for any
	OwnerUID   string    // the owner's uid, "" for any
	UID        string    // "" for any
	Code       string    // exact, "" for any
	LiveAt     time.Time // selects what is not expired at the instant; zero selects both
	OverAt     time.Time // selects what is expired at the instant; zero selects both
	Unused     bool      // selects what was never used
	Forever    bool      // selects what has no expiry
	Descending bool      // newest first
	After      *Cursor   // only what comes behind it, oldest first; nil from the start
	Offset     int
	Limit      int // 0 means no limit
}

// Cursor is a place in a list.
type Cursor struct {
	Created time.Time
	UID     string
}

// Use is one batched observation of last use.
type Use struct {
	UID  string
	At   time.Time
	From string
}

// Store answers what this package asks of storage. Implementations are safe for
// concurrent use; store/storetest is their specification. Every write is durable
// when the method returns nil. Times keep their milliseconds, no more.
type Store interface {
	// TokenByHash returns ErrUnknown if no token has this hash (hex SHA-256).
	TokenByHash(ctx context.Context, hash string) (Lookup, error)
	// TokenByUID returns ErrUnknown if there is none.
	TokenByUID(ctx context.Context, uid string) (Record, error)
	// Tokens lists records by (Created, UID).
	Tokens(ctx context.Context, f Filter) ([]Record, error)
	// CountTokens counts the records that Tokens would list without Offset and Limit.
	CountTokens(ctx context.Context, f Filter) (int, error)
	// PutToken stores a new record; ErrDuplicate if its code is taken.
	PutToken(ctx context.Context, r Record, hash string) error
	// EditToken gives edit the stored record and stores what it made of it, but for
	// uid, created, owner, origin and last use. No other edit comes between. An error
	// of edit is returned as it is and nothing is stored; else ErrUnknown,
	// ErrDuplicate.
	EditToken(ctx context.Context, uid string, edit func(*Record) error) (Record, error)
	// RotateToken is EditToken that also puts newHash in the place of the current
	// one. The replaced hash lives until the record's OverlapEnds (at once gone if
	// zero); one that an earlier rotation had replaced is gone.
	RotateToken(ctx context.Context, uid, newHash string, edit func(*Record) error) (Record, error)
	// DeleteToken removes the record and its hashes; ErrUnknown.
	DeleteToken(ctx context.Context, uid string) error
	// DeleteExpired removes the records that expired before the instant and returns
	// how many there were.
	DeleteExpired(ctx context.Context, before time.Time) (int, error)
	// TouchTokens stores last uses; unknown uids and older observations are passed
	// over.
	TouchTokens(ctx context.Context, uses []Use) error
}
