package dhis2

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"time"
)

// ErrPeriod says that a text is no period.
var ErrPeriod = errors.New("dhis2: no such period")

// Range is a run of calendar days, both included: midnights in UTC.
type Range struct{ Start, End time.Time }

// Contains reports whether all of o lies in the range.
func (r Range) Contains(o Range) bool { return !o.Start.Before(r.Start) && !o.End.After(r.End) }

// Days is how many days the range has.
func (r Range) Days() int { return int(r.End.Sub(r.Start).Hours())/24 + 1 }

// Period is one period of a type, with the days that it covers.
type Period struct {
	Range
	Type *PeriodType

	year, number int
}

// ID is the period's text, "202403", "2024W9", "2024NovQ1".
func (p Period) ID() string { return p.Type.id(p.year, p.number, p.Start) }

// Next is the period that follows.
func (p Period) Next() Period {
	switch {
	case p.Type.days:
		return p.Type.Containing(p.Start.AddDate(0, 0, 1))
	case p.number < p.Type.perYear(p.year):
		return p.Type.at(p.year, p.number+1)
	}
	return p.Type.at(p.year+1, 1)
}

// Previous is the period before.
func (p Period) Previous() Period {
	switch {
	case p.Type.days:
		return p.Type.Containing(p.Start.AddDate(0, 0, -1))
	case p.number > 1:
		return p.Type.at(p.year, p.number-1)
	}
	return p.Type.at(p.year-1, p.Type.perYear(p.year-1))
}

// periodForms are the texts of periods: year, mark, number, tail. Months and days
// may have hyphens.
var (
	periodForm = regexp.MustCompile(`^(\d{4})([A-Z][A-Za-z]*)?(\d{1,2})?(B)?$`)
	hyphenForm = regexp.MustCompile(`^(\d{4})-(\d{2})(?:-(\d{2}))?$`)
)

// ParsePeriod reads a period's text. The error is ErrPeriod, also for numbers that
// a year does not have (2023W53, 202413).
func ParsePeriod(id string) (Period, error) {
	if m := hyphenForm.FindStringSubmatch(id); m != nil {
		id = m[1] + m[2] + m[3]
	}
	if len(id) == 8 {
		if at, err := time.Parse("20060102", id); err == nil {
			return PeriodTypeByName("Daily").Containing(at), nil
		}
	}
	m := periodForm.FindStringSubmatch(id)
	if m == nil {
		return Period{}, fmt.Errorf("%w: %.20q", ErrPeriod, id)
	}
	year, _ := strconv.Atoi(m[1]) // four digits
	number := 1
	if m[3] != "" {
		number, _ = strconv.Atoi(m[3]) // one or two digits
	}
	for i := range periodTypes {
		t := &periodTypes[i]
		if t.days || t.mark != m[2] || t.tail != m[4] || (t.months == 12) != (m[3] == "") || t.pad > len(m[3]) {
			continue
		}
		if year == 0 || number < 1 || number > t.perYear(year) || t.months > 0 && t.pad == 0 && len(m[3]) > 1 {
			break
		}
		return t.at(year, number), nil
	}
	return Period{}, fmt.Errorf("%w: %.20q", ErrPeriod, id)
}
