// Package conform plays what a real DHIS2 answered (testdata/transcripts) and the
// cases read from its tests (testdata/cases) against any server that claims to
// answer alike. It is a library for tests: it judges answers, it serves none.
// Read scenario.go for the format, run.go for the way of a scenario, compare.go
// for what counts as the same.
package conform

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
)

// Scenario is a recorded sequence of requests and answers.
type Scenario struct {
	ID        string              `json:"id"`
	Area      string              `json:"area"`
	Users     map[string][]string `json:"users"` // name -> authorities; a name that ends in * gets a random tail
	UserOrder []string            `json:"-"`
	SetupVars map[string]string   `json:"setup_vars"`
	Setup     []Step              `json:"setup"`
	Steps     []Step              `json:"steps"`
}

// Step is one request and the recorded answer to it.
type Step struct {
	Do       string            `json:"do"` // "METHOD /path"
	As       string            `json:"as"` // admin (default), none, or a made user
	Auth     *string           `json:"auth"`
	Basic    *string           `json:"basic"`
	JSON     json.RawMessage   `json:"json"`
	Text     *string           `json:"text"`
	Form     json.RawMessage   `json:"form"`
	App      json.RawMessage   `json:"app"`
	Headers  map[string]any    `json:"headers"`
	Save     map[string]string `json:"save"`
	Only     []string          `json:"only"`
	Raw      bool              `json:"raw"`
	Sort     json.RawMessage   `json:"sort"`
	Items    json.RawMessage   `json:"items"`
	Keep     []string          `json:"keep"`
	Has      []string          `json:"has"`
	Wait     float64           `json:"wait"` // seconds
	Response *Answer           `json:"response"`
}

// Answer is what came back. Body is set (possibly to null) for JSON, Text else.
type Answer struct {
	Status  int               `json:"status"`
	Headers map[string]string `json:"headers"`
	Body    json.RawMessage   `json:"body"`
	Text    string            `json:"text"`
}

// Load reads a transcript file.
func Load(path string) ([]Scenario, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var out []Scenario
	if err := json.Unmarshal(text, &out); err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	return out, orderUsers(text, out)
}

// orderUsers keeps the order of the users as written: roles and users are made
// in it.
func orderUsers(text []byte, out []Scenario) error {
	var raw []struct {
		Users json.RawMessage `json:"users"`
	}
	if err := json.Unmarshal(text, &raw); err != nil {
		return err
	}
	for i, r := range raw {
		dec := json.NewDecoder(bytes.NewReader(r.Users))
		if _, err := dec.Token(); err != nil { // no users, or null
			continue
		}
		for dec.More() {
			key, err := dec.Token()
			if err != nil {
				return err
			}
			out[i].UserOrder = append(out[i].UserOrder, fmt.Sprint(key))
			var skip json.RawMessage
			if err := dec.Decode(&skip); err != nil {
				return err
			}
		}
	}
	return nil
}
