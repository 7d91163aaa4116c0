package dhis2

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
)

// ErrOpenRange says that a query bounds its dates on one side only, or not at all.
var ErrOpenRange = errors.New("dhis2: the dates are not bounded")

// customRange is a range of days in one item: yyyyMMdd_yyyyMMdd or with hyphens.
var customRange = regexp.MustCompile(`^(\d{4}-?\d{2}-?\d{2})_(\d{4}-?\d{2}-?\d{2})$`)

// dateField is what an event query may put behind a period: 202401:LAST_UPDATED.
var dateField = regexp.MustCompile(`:[A-Z_]+$`)

// PeriodItem gives the days that one item of a period dimension covers: a period
// (202403), a relative period (LAST_12_MONTHS) or a range of days
// (20240101_20240331, 2024-01-01_2024-03-31), each perhaps with the date field of
// event queries behind it. Financial is as in RelativePeriods. The error is
// ErrPeriod.
func PeriodItem(item string, today time.Time, financial string) (Range, error) {
	item = dateField.ReplaceAllString(item, "")
	if m := customRange.FindStringSubmatch(item); m != nil {
		return dayRange(m[1], m[2])
	}
	if p, err := ParsePeriod(item); err == nil {
		return p.Range, nil
	}
	list, err := RelativePeriods(item, today, financial)
	if err != nil {
		return Range{}, err
	}
	return Range{list[0].Start, list[len(list)-1].End}, nil
}

func dayRange(from, to string) (Range, error) {
	start, err := parseDay(from)
	if err != nil {
		return Range{}, err
	}
	end, err := parseDay(to)
	if err != nil {
		return Range{}, err
	}
	if end.Before(start) {
		return Range{}, fmt.Errorf("%w: the range ends before it starts", ErrPeriod)
	}
	return Range{start, end}, nil
}

// parseDay reads yyyyMMdd or yyyy-MM-dd, the latter perhaps with a time behind it.
func parseDay(s string) (time.Time, error) {
	if len(s) > len("2006-01-02") && s[10] == 'T' {
		s = s[:10]
	}
	for _, layout := range []string{"20060102", "2006-01-02"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("%w: %.20q is no day", ErrPeriod, s)
}

// dateParameters are the parameters of a resource that say which days are asked
// for. Pairs bound a range; singles take items of periods.
type dateParameters struct {
	pairs     [][2]string
	singles   []string
	dimension bool // items also stand in pe: of dimension and filter
}

// analyticsDates are the date fields of event, enrollment and tracked entity
// analytics (DHIS2 2.44 EventsAnalyticsQueryCriteria and its siblings).
var analyticsDates = []string{"eventDate", "enrollmentDate", "scheduledDate", "incidentDate", "lastUpdated", "occurredDate", "created", "createdDate", "completedDate"}

// resourceDates are the date parameters by the path below /api, longest first.
var resourceDates = []struct {
	prefix []string
	dates  dateParameters
}{
	{[]string{"analytics", "events"}, dateParameters{[][2]string{{"startDate", "endDate"}}, analyticsDates, true}},
	{[]string{"analytics", "enrollments"}, dateParameters{[][2]string{{"startDate", "endDate"}}, analyticsDates, true}},
	{[]string{"analytics", "trackedEntities"}, dateParameters{[][2]string{{"startDate", "endDate"}}, analyticsDates, true}},
	{[]string{"analytics"}, dateParameters{[][2]string{{"startDate", "endDate"}}, nil, true}},
	{[]string{"dataValueSets"}, dateParameters{[][2]string{{"startDate", "endDate"}}, []string{"period"}, false}},
	{[]string{"tracker", "events"}, dateParameters{[][2]string{{"occurredAfter", "occurredBefore"}, {"scheduledAfter", "scheduledBefore"}, {"enrollmentEnrolledAfter", "enrollmentEnrolledBefore"}}, nil, false}},
	{[]string{"tracker", "enrollments"}, dateParameters{[][2]string{{"enrolledAfter", "enrolledBefore"}}, nil, false}},
	{[]string{"tracker", "trackedEntities"}, dateParameters{[][2]string{{"enrollmentEnrolledAfter", "enrollmentEnrolledBefore"}, {"eventOccurredAfter", "eventOccurredBefore"}}, nil, false}},
}

// QueryDates gives the ranges of days that a query of a resource asks for.
// Segments are those below /api (Path.Segments). Parameters of other names do not
// count. Errors: ErrPeriod for an item that cannot be read, ErrOpenRange for a
// range with one side, or for a query of a known resource that names no days at
// all. A resource without date parameters gives none and no error.
func QueryDates(segments []string, query url.Values, today time.Time, financial string) ([]Range, error) {
	d := datesOf(segments)
	if d == nil {
		return nil, nil
	}
	if at := query.Get("relativePeriodDate"); at != "" {
		t, err := parseDay(at)
		if err != nil {
			return nil, err
		}
		today = t
	}
	var out []Range
	for _, item := range d.items(query) {
		r, err := PeriodItem(item, today, financial)
		if err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	for _, pair := range d.pairs {
		r, there, err := pairOf(query, pair)
		if err != nil {
			return nil, err
		}
		if there {
			out = append(out, r...)
		}
	}
	if len(out) == 0 {
		return nil, ErrOpenRange
	}
	return out, nil
}

func datesOf(segments []string) *dateParameters {
	for i := range resourceDates {
		p := resourceDates[i].prefix
		if len(segments) >= len(p) && slices.Equal(segments[:len(p)], p) {
			return &resourceDates[i].dates
		}
	}
	return nil
}

// items are the period items of a query: of pe: dimensions and filters, and of the
// parameters that take periods.
func (d *dateParameters) items(query url.Values) []string {
	var items []string
	split := func(list string) {
		items = append(items, strings.FieldsFunc(list, func(c rune) bool { return c == ';' || c == ',' })...)
	}
	if d.dimension {
		for _, name := range []string{"dimension", "filter"} {
			for _, v := range query[name] {
				// one parameter may hold several dimensions: dx:a;b,pe:202401
				for part := range strings.SplitSeq(v, ",") {
					if list, ok := strings.CutPrefix(part, "pe:"); ok {
						split(list)
					}
				}
			}
		}
	}
	for _, name := range d.singles {
		for _, v := range query[name] {
			split(v)
		}
	}
	return items
}

// pairOf reads the two sides of a range. A parameter that is repeated gives every
// combination, since which one counts is the server's choice.
func pairOf(query url.Values, pair [2]string) ([]Range, bool, error) {
	from, to := query[pair[0]], query[pair[1]]
	switch {
	case len(from) == 0 && len(to) == 0:
		return nil, false, nil
	case len(from) == 0 || len(to) == 0:
		return nil, false, fmt.Errorf("%w: %s without its other side", ErrOpenRange, pair[btoi(len(from) == 0)])
	}
	var out []Range
	for _, f := range from {
		for _, t := range to {
			r, err := dayRange(f, t)
			if err != nil {
				return nil, false, err
			}
			out = append(out, r)
		}
	}
	return out, true, nil
}
