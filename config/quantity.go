package config

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

func duration(name, about string, to *time.Duration) field {
	return scalar(name, "string", about, func(_ *decoder, s string) (err error) { *to, err = parseDuration(s); return err })
}

// parseDuration reads 30d, 1h30m, 90s, 500ms.
func parseDuration(s string) (time.Duration, error) {
	bad := fmt.Errorf("%q is no duration: write 30s, 15m, 12h, 30d or 1h30m", s)
	rest, days := s, time.Duration(0)
	if before, after, ok := strings.Cut(s, "d"); ok {
		n, err := strconv.Atoi(before)
		if err != nil || n < 0 || n > 36500 {
			return 0, bad
		}
		days, rest = time.Duration(n)*24*time.Hour, after
		if rest == "" {
			return days, nil
		}
	}
	d, err := time.ParseDuration(rest)
	if err != nil || d < 0 || s == "0" {
		return 0, bad
	}
	return days + d, nil
}

// lasting is a duration that must be longer than nothing.
func lasting(name, about string, to *time.Duration) field {
	return scalar(name, "string", about, func(_ *decoder, s string) error {
		v, err := parseDuration(s)
		if err == nil && v == 0 {
			err = fmt.Errorf("must be longer than nothing")
		}
		*to = v
		return err
	})
}

func size(name, about string, to *int64) field {
	return scalar(name, "string", about, func(_ *decoder, s string) (err error) { *to, err = parseSize(s); return err })
}

var units = []struct {
	name  string
	bytes int64
}{{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"B", 1}}

// parseSize reads 32KiB, 5MiB, 2GiB, 100B.
func parseSize(s string) (int64, error) {
	for _, u := range units {
		if number, ok := strings.CutSuffix(s, u.name); ok {
			n, err := strconv.ParseInt(strings.TrimSpace(number), 10, 64)
			if err != nil || n <= 0 || n > 1<<50/u.bytes {
				break
			}
			return n * u.bytes, nil
		}
	}
	return 0, fmt.Errorf("%q is no size: write 32KiB, 5MiB or 2GiB", s)
}

func instant(name, about string, to *time.Time) field {
	return scalar(name, "string", about, func(_ *decoder, s string) error {
		t, err := time.Parse(time.RFC3339, s)
		if err != nil {
			return fmt.Errorf("%q is no instant: write 2027-01-15T00:00:00Z", s)
		}
		*to = t.UTC()
		return nil
	})
}

// percent reads 100%, 5%, 0.5% as a share.
func percent(name, about string, to *float64) field {
	return scalar(name, "string", about, func(_ *decoder, s string) error {
		number, ok := strings.CutSuffix(s, "%")
		f, err := strconv.ParseFloat(number, 64)
		if !ok || err != nil || f < 0 || f > 100 {
			return fmt.Errorf("%q is no share: write 100%% or 5%%", s)
		}
		*to = f / 100
		return nil
	})
}
