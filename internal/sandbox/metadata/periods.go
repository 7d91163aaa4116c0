package metadata

import (
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/d2gate/d2gate/internal/dhis2"
	"github.com/d2gate/d2gate/internal/sandbox/problem"
)

// periodActions are the paths below /periodTypes.
func (c *request) periodActions() actions {
	switch strings.Join(c.seg[1:], "/") {
	case "":
		return actions{http.MethodGet: c.json(c.periodTypes), http.MethodPut: c.json(c.labelPeriodType)}
	case "relativePeriodTypes":
		return actions{http.MethodGet: c.json(func() error {
			body, err := dhis2.EncodeJSON(dhis2.RelativePeriodNames())
			if err != nil {
				return err
			}
			return c.tagged(body)
		})}
	}
	return nil
}

func (c *request) periodTypes() error {
	n, err := c.fieldsOr("*")
	if err != nil {
		return err
	}
	labels, err := c.s.periodLabels(c.r.Context(), c.q)
	if err != nil {
		return err
	}
	b := []byte(`{"periodTypes":[`)
	for i, p := range dhis2.PeriodTypes() {
		if i > 0 {
			b = append(b, ',')
		}
		members := []pair{{"name", p.Name}, {"displayName", p.DisplayName}, {"isoDuration", p.ISODuration}, {"isoFormat", p.ISOFormat}, {"frequencyOrder", rawJSON(strconv.Itoa(p.FrequencyOrder))}}
		if l := labels[p.Name]; l != "" {
			members = append(members, pair{"label", l}, pair{"displayLabel", l})
		}
		if b, err = appendSelected(b, members, n); err != nil {
			return err
		}
	}
	return c.tagged(append(b, "]}"...))
}

// labelPeriodType is PUT /periodTypes: the label of a period type.
func (c *request) labelPeriodType() error {
	if err := c.mediaType("application/json"); err != nil {
		if p := problem.From(err); p != nil && strings.Contains(p.Message, "'text/plain'") {
			p.Message = "Content-Type 'text/plain;charset=UTF-8' is not supported"
		}
		return err
	}
	if !c.u.Super() {
		return problem.Requires("ALL")
	}
	b, err := c.body()
	if err != nil {
		return err
	}
	if err := checkJSON(b); err != nil {
		if j, ok := errors.AsType[*jsonError](err); ok {
			return problem.BadRequest("JSON parse error: %s", j.msg)
		}
		return err
	}
	m, err := parseDocument(b)
	if err != nil {
		return problem.BadRequest("JSON parse error: %s", err)
	}
	name := textOf(m, "name")
	if dhis2.PeriodTypeByName(name) == nil {
		return problem.NotFound("Period type %s could not be found.", name)
	}
	if err := c.s.labelPeriod(c.r.Context(), name, textOf(m, "label")); err != nil {
		return err
	}
	return c.message(dhis2.OK(name + " updated successfully."))
}
