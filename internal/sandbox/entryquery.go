package sandbox

import (
	"fmt"
	"strings"
	"time"

	"github.com/d2gate/d2gate/internal/sandbox/datastore"
	"github.com/d2gate/d2gate/internal/sandbox/problem"
)

// entries reads the parameters of an entries query. Spring's complaints about
// types come before those about the language.
func (q query) entries() (datastore.Query, error) {
	out := datastore.NewQuery()
	if err := q.paging(&out); err != nil {
		return out, err
	}
	if err := q.junction(&out); err != nil {
		return out, err
	}
	var err error
	if out.Fields, err = datastore.ParseFields(q.joined("fields")); err != nil {
		return out, err
	}
	if out.Filters, err = datastore.ParseFilters(q["filter"]); err != nil {
		return out, err
	}
	if q.has("order") {
		if out.Order, err = datastore.ParseOrder(q.joined("order")); err != nil {
			return out, err
		}
	}
	out.Clamp()
	return out, nil
}

func (q query) paging(out *datastore.Query) (err error) {
	if out.Page, err = q.integer("page", out.Page); err != nil {
		return err
	}
	if out.PageSize, err = q.integer("pageSize", out.PageSize); err != nil {
		return err
	}
	if out.Paging, err = q.boolean("paging", true); err != nil {
		return err
	}
	if out.Headless, err = q.boolean("headless", false); err != nil {
		return err
	}
	if q.has("includeAll") && q.get("includeAll") == "" {
		return nil // a Boolean object, which may be null
	}
	out.IncludeAll, err = q.boolean("includeAll", false)
	return err
}

func (q query) junction(out *datastore.Query) error {
	if !q.has("rootJunction") {
		return nil
	}
	switch v := q.joined("rootJunction"); strings.ToUpper(v) {
	case "AND":
	case "OR":
		out.Any = true
	case "":
		return problem.BadRequest("rootJunction cannot be empty. Valid values are: [AND, OR]")
	default:
		return problem.BadRequest("Value '%s' is not valid for parameter rootJunction. Valid values are: [AND, OR]", v)
	}
	return nil
}

// since reads lastUpdated, an ISO 8601 date or instant. The texts are Joda's.
func (q query) since() (time.Time, error) {
	v := q.get("lastUpdated")
	if v == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{
		"2006-01-02T15:04:05.999999999Z07:00", "2006-01-02T15:04:05.999999999-0700", "2006-01-02T15:04:05.999999999", "2006-01-02T15:04Z07:00", "2006-01-02T15:04", "2006-01-02T15", "2006-01-02", "2006-01", "2006",
	} {
		if t, err := time.Parse(layout, v); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, problem.BadRequest("Value '%s' is not valid for parameter lastUpdated. %s", v, jodaError(v))
}

// jodaError says where a date stops being one.
func jodaError(v string) string {
	numbers := []struct {
		name    string
		from    byte
		max, at int
	}{{"monthOfYear", '-', 12, 0}, {"dayOfMonth", '-', 31, 0}, {"hourOfDay", 'T', 23, 0}, {"minuteOfHour", ':', 59, 0}, {"secondOfMinute", ':', 59, 0}}
	pos := digitsAt(v, 0)
	if pos == 0 {
		return fmt.Sprintf("Invalid format: %q", v)
	}
	for _, n := range numbers {
		if pos >= len(v) || v[pos] != n.from {
			break
		}
		end := pos + 1 + min(2, digitsAt(v, pos+1))
		var value int
		if _, err := fmt.Sscanf(v[pos+1:end], "%d", &value); err != nil {
			break
		}
		if least := toLeast(n.name); value > n.max || value < least {
			return fmt.Sprintf("Cannot parse %q: Value %d for %s must be in the range [%d,%d]", v, value, n.name, least, n.max)
		}
		pos = end
	}
	return fmt.Sprintf("Invalid format: %q is malformed at %q", v, v[pos:])
}

// digitsAt counts the digits from a position.
func digitsAt(s string, at int) int {
	n := 0
	for at+n < len(s) && s[at+n] >= '0' && s[at+n] <= '9' {
		n++
	}
	return n
}

// toLeast is the lowest value of a field of a date.
func toLeast(field string) int {
	if field == "monthOfYear" || field == "dayOfMonth" {
		return 1
	}
	return 0
}
