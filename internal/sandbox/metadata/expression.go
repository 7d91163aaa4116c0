package metadata

import (
	"context"
	"errors"
	"strings"

	"github.com/d2gate/d2gate/internal/dhis2"
)

// expressionDescription is POST /indicators/expression/description: the expression
// with the names of what it refers to.
func (c *request) expressionDescription() error {
	b, err := c.body()
	if err != nil {
		return err
	}
	text, ok, err := c.s.describe(c.r.Context(), string(b))
	if err != nil {
		return err
	}
	if !ok {
		m := dhis2.OK("Expression is not well-formed")
		m.Status = dhis2.StatusError
		return c.message(m)
	}
	m := dhis2.OK("Valid")
	m.Description = text
	return c.message(m)
}

// describe replaces #{uid} by names; ok is false when the expression cannot be read.
func (s *Service) describe(ctx context.Context, expression string) (text string, ok bool, err error) {
	var out strings.Builder
	rest := strings.TrimSpace(expression)
	if rest == "" || strings.ContainsAny(rest[len(rest)-1:], "+-*/(,") || strings.Count(rest, "(") != strings.Count(rest, ")") {
		return "", false, nil
	}
	for {
		before, after, found := strings.Cut(rest, "#{")
		out.WriteString(before)
		if !found {
			return out.String(), true, nil
		}
		ref, tail, closed := strings.Cut(after, "}")
		if !closed {
			return "", false, nil
		}
		uid, _, _ := strings.Cut(ref, ".")
		o, err := load(ctx, s.db, s.cat.bySingular["dataElement"], uid)
		if errors.Is(err, errNoObject) {
			return "", false, nil
		}
		if err != nil {
			return "", false, err
		}
		out.WriteString(textOf(o.doc, "name"))
		rest = tail
	}
}
