// Package config is what the operator may say: one strict YAML file with
// positions, and secrets that cannot be printed. It knows no HTTP server and no
// store, and opens nothing but the file itself: secrets are resolved by whoever
// serves. Read types.go first (the whole vocabulary), then keys.go (every key, its
// meaning and default).
package config

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// maxFile is the largest configuration that is read, in bytes.
const maxFile = 4 << 20

// Load reads and checks a file. Its error is an *Error with every problem, or says
// why the file cannot be read.
func Load(path string) (*Config, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	info, err := os.Stat(abs)
	if err == nil && info.Size() > maxFile {
		err = fmt.Errorf("%s is larger than %d bytes", path, maxFile)
	}
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(abs)
	if err != nil {
		return nil, err
	}
	return read(path, abs, filepath.Dir(abs), text)
}

// Parse reads and checks a text that is in no file; relative paths stay relative.
func Parse(name string, text []byte) (*Config, error) { return read(name, "", "", text) }

func read(shown, abs, dir string, text []byte) (*Config, error) {
	text = bytes.TrimPrefix(text, []byte("\ufeff")) // editors on Windows
	d := newDecoder(dir)
	c := before()
	if n := d.parse(text); n != nil {
		d.mapping(n, root(c))
		d.after(c)
		d.validate(c)
	}
	for i := range d.problems {
		d.problems[i].Message = hideInside(d.problems[i].Message)
	}
	if len(d.problems) > 0 {
		return nil, &Error{File: shown, Problems: sorted(d.problems), lines: strings.Split(string(text), "\n")}
	}
	sum := sha256.Sum256(text)
	c.File, c.Hash, c.text = abs, hex.EncodeToString(sum[:]), text
	for _, p := range sorted(d.warnings) {
		c.Warnings = append(c.Warnings, fmt.Sprintf("%s:%d:%d: %s", shown, p.Line, p.Col, p.Message))
	}
	return c, nil
}
