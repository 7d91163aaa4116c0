package metadata

import "time"

// stampLayout is how DHIS2 writes an instant: UTC, milliseconds, no zone.
const stampLayout = "2006-01-02T15:04:05.000"

func stamp(t time.Time) string { return t.UTC().Format(stampLayout) }

// parseStamp reads what stamp wrote; anything else is the zero time.
func parseStamp(s string) time.Time {
	t, err := time.Parse(stampLayout, s)
	if err != nil {
		return time.Time{}
	}
	return t
}
