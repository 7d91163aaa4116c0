package metadata

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/d2gate/d2gate/internal/dhis2"
)

// Config is what a Service needs. The zero value of an optional field is a
// working default.
type Config struct {
	DB      *sql.DB                      // required: SQLite; tables are made when missing
	Version string                       // generation of DHIS2, "2.44"; "" means 2.44
	Now     func() time.Time             // nil means time.Now
	Rand    io.Reader                    // nil means crypto/rand
	BaseURL func(r *http.Request) string // scheme, host and context path of href and Location; nil means from the Host header
	// EndSessions is told the name of a user whose password changed or whose
	// account was disabled or deleted; nil means nobody listens.
	EndSessions func(username string)
	// UserSettings are the settings of a user, by key, as /api/me shows them; nil
	// means none.
	UserSettings func(uid string) map[string]any
	// PasswordLength is how long a password may be, in characters; nil means 8 to 72.
	PasswordLength func() (least, most int)
}

// Service keeps the metadata of one sandbox. It is safe for concurrent use.
type Service struct {
	cfg Config
	db  *sql.DB
	cat *catalog

	tasks taskLog // imports that were asked for with async=true

	writing sync.Mutex // one writer at a time; SQLite has room for no more

	verified *lru.Cache[[32]byte, struct{}] // passwords that bcrypt has already found right

	mu       sync.Mutex
	accounts map[string]*User // by username; nil after every change of users, roles and groups
}

// verifiedPasswords is how many right passwords are remembered, as hashes.
const verifiedPasswords = 4096

// Open makes the tables when they are missing, seeds an empty sandbox and returns
// its service.
func Open(ctx context.Context, cfg Config) (*Service, error) {
	if cfg.DB == nil {
		return nil, errors.New("metadata: Open: DB is required")
	}
	if cfg.Version == "" {
		cfg.Version = "2.44"
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Rand == nil {
		cfg.Rand = rand.Reader
	}
	if cfg.BaseURL == nil {
		cfg.BaseURL = func(r *http.Request) string { return "http://" + r.Host }
	}
	verified, err := lru.New[[32]byte, struct{}](verifiedPasswords)
	if err != nil {
		return nil, fmt.Errorf("make cache of passwords: %w", err)
	}
	cat, err := parseCatalog(schemaTable)
	if err != nil {
		return nil, err
	}
	s := &Service{cfg: cfg, db: cfg.DB, cat: cat, verified: verified, accounts: map[string]*User{}}
	if err := s.createTables(ctx); err != nil {
		return nil, err
	}
	if err := s.seed(ctx); err != nil {
		return nil, err
	}
	return s, nil
}

// now is the present instant in UTC, in milliseconds as DHIS2 keeps it.
func (s *Service) now() time.Time { return s.cfg.Now().UTC().Truncate(time.Millisecond) }

// newUID makes a uid.
func (s *Service) newUID() (string, error) { return dhis2.NewUID(s.cfg.Rand) }
