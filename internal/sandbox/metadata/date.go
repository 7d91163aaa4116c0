package metadata

import (
	"encoding/json"
	"strconv"
	"time"

	"github.com/d2gate/d2gate/internal/sandbox/problem"
)

// dateLayouts are the forms of a date that DHIS2 reads (DateUtils.java).
var dateLayouts = []string{
	"2006-01-02T15:04:05.999999999Z07:00", "2006-01-02T15:04:05.999999999Z0700", "2006-01-02T15:04:05.999999999", "2006-01-02T15:04Z07:00", "2006-01-02T15:04", "2006-01-02T15",
	"2006-01-02 15:04:05.999999999", "2006-01-02", "2006-01", "2006",
}

// parseDate reads a date as DHIS2 does: ISO 8601 in several lengths, or
// milliseconds since the epoch.
func parseDate(text string) (time.Time, bool) {
	for _, l := range dateLayouts {
		if t, err := time.Parse(l, text); err == nil {
			return t.UTC(), true
		}
	}
	if ms, err := strconv.ParseInt(text, 10, 64); err == nil && ms > -62135596800000 && ms < 253402300800000 {
		return time.UnixMilli(ms).UTC(), true
	}
	return time.Time{}, false
}

func coerceDate(v any) (any, error) {
	text := ""
	switch v := v.(type) {
	case string:
		if v == "" {
			return nil, nil
		}
		text = v
	case json.Number:
		text = string(v)
	default:
		b, err := appendAny(nil, v)
		if err != nil {
			return nil, err
		}
		text = string(b)
	}
	t, ok := parseDate(text)
	if !ok {
		return nil, problem.BadRequest("Invalid date format '%s', only ISO format or UNIX Epoch timestamp is supported.", text)
	}
	return stamp(t), nil
}
