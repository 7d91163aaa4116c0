package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// parseSpan reads a length of time: 30d, 12h, 90m, 1h30m, 0.
func parseSpan(s string) (time.Duration, error) {
	if days, ok := strings.CutSuffix(s, "d"); ok {
		n, err := strconv.ParseFloat(days, 64)
		if err != nil || n < 0 || n > 365_000 {
			return 0, fmt.Errorf("%q is no length of time (as 30d or 12h)", s)
		}
		return time.Duration(n * 24 * float64(time.Hour)), nil
	}
	d, err := time.ParseDuration(s)
	if err != nil || d < 0 {
		return 0, fmt.Errorf("%q is no length of time (as 30d or 12h)", s)
	}
	return d, nil
}

// forever is what "never" means: DHIS2 has no tokens without an end, so it is one
// that nobody reaches (9999-12-31T23:59:59Z).
var forever = time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)

// parseEnd reads when something ends: a length of time from now, a day (its
// beginning in UTC), an instant, or never. "" is the zero time. Faults exit with 2.
func parseEnd(s string, now time.Time) (time.Time, error) {
	switch s {
	case "":
		return time.Time{}, nil
	case "never":
		return forever, nil
	}
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if t, err := time.Parse(layout, s); err == nil {
			if !t.After(now) {
				return time.Time{}, usage("--expires: %s is over", s)
			}
			return t.UTC(), nil
		}
	}
	d, err := parseSpan(s)
	if err != nil {
		return time.Time{}, usage("--expires: %w, a day (2027-01-31) or never", err)
	}
	if d == 0 {
		return time.Time{}, usage("--expires: it would be over at once")
	}
	return now.Add(d), nil
}

// inWords says how far an instant is from now: "in 23 h", "12 days ago".
func inWords(t, now time.Time) string {
	d := t.Sub(now)
	if d < 0 {
		return spanWords(-d) + " ago"
	}
	return "in " + spanWords(d)
}

func spanWords(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h", int(d.Hours()))
	}
	return fmt.Sprintf("%d days", int(d.Hours()/24))
}
