package main

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// openInput opens a file, or standard input for "-".
func (p *program) openInput(name string) (io.ReadCloser, error) {
	if name == "-" {
		return io.NopCloser(p.stdin), nil
	}
	return os.Open(name)
}

// readInput reads at most limit bytes of it.
func (p *program) readInput(name string, limit int64) ([]byte, error) {
	in, err := p.openInput(name)
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(io.LimitReader(in, limit))
	return text, errors.Join(err, in.Close())
}

// csvRows reads rows under a header whose names stand in any order; set takes one
// cell of a row, under the column's name in lower case.
func csvRows[T any](text string, set func(row *T, column, cell string) error) ([]T, error) {
	table, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil {
		return nil, fmt.Errorf("read CSV: %w", err)
	}
	if len(table) == 0 {
		return nil, errors.New("read CSV: no header")
	}
	rows := make([]T, len(table)-1)
	for n, cells := range table[1:] {
		for i, name := range table[0] {
			if err := set(&rows[n], strings.ToLower(strings.TrimSpace(name)), cells[i]); err != nil {
				return nil, fmt.Errorf("read CSV: row %d, column %s: %w", n+1, name, err)
			}
		}
	}
	return rows, nil
}

// printImport prints what an import did. It exits with 1 when rows were refused,
// which are named.
func (p *program) printImport(o *output, v view, refused []string) error {
	for _, r := range refused {
		p.say("refused: %s", r)
	}
	if err := p.print(o, v); err != nil || len(refused) == 0 {
		return err
	}
	return &exitError{code: exitFailed}
}
