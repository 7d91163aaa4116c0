package conform

import (
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// Case is one request with the answer that DHIS2 gives, read from its tests or
// its code.
type Case struct {
	ID       string                     `json:"id"`
	Name     string                     `json:"name"`
	Versions string                     `json:"versions"` // "2.41+", "2.37-2.40", "2.44 master"
	Setup    []SetupStep                `json:"setup"`
	Request  Request                    `json:"request"`
	Expect   map[string]json.RawMessage `json:"expect"`
}

// SetupStep makes one thing that the request needs. Note asks for something in
// words; the notes that are understood stand in notes.go.
type SetupStep struct {
	User        string          `json:"user"`
	Password    string          `json:"password"`
	Email       string          `json:"email"`
	OpenID      string          `json:"openId"`
	Disabled    bool            `json:"disabled"`
	Authorities []string        `json:"authorities"`
	Request     *Request        `json:"request"`
	Token       *SetupToken     `json:"token"`
	Protection  *Protection     `json:"protection"`
	Setting     map[string]any  `json:"setting"`
	Note        string          `json:"note"`
	Save        json.RawMessage `json:"save"` // a name, or name -> dotted path of the answer
}

// SetupToken asks for a personal access token.
type SetupToken struct {
	Owner      string          `json:"owner"`
	Expire     string          `json:"expire"` // "now+30d", "now-1h"
	Attributes json.RawMessage `json:"attributes"`
}

// Protection reserves a dataStore namespace.
type Protection struct {
	Namespace   string   `json:"namespace"`
	Read        string   `json:"read"` // NONE, HIDDEN or RESTRICTED
	Write       string   `json:"write"`
	Authorities []string `json:"authorities"`
}

// Request is a request of a case.
type Request struct {
	Method  string            `json:"method"`
	Path    string            `json:"path"`
	As      string            `json:"as"`
	Headers map[string]string `json:"headers"`
	Body    json.RawMessage   `json:"body"`
	RawBody *string           `json:"raw_body"`
}

// LoadCases reads a file of cases.
func LoadCases(path string) ([]Case, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var out []Case
	if err := json.Unmarshal(text, &out); err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	return out, nil
}

// Holds reports whether the case speaks of DHIS2 2.minor.
func (c Case) Holds(minor int) bool {
	v, _, _ := strings.Cut(c.Versions, " ")
	if from, ok := strings.CutSuffix(v, "+"); ok {
		return number(from) <= minor
	}
	from, to, ranged := strings.Cut(v, "-")
	if !ranged {
		return number(v) == minor
	}
	return number(from) <= minor && minor <= number(to)
}

// number reads "2.41" as 41; "2.2x" as 20.
func number(s string) int {
	n, err := strconv.Atoi(strings.ReplaceAll(strings.TrimPrefix(s, "2."), "x", "0"))
	if err != nil {
		return -1
	}
	return n
}
