package datastore

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/d2gate/d2gate/internal/sandbox/jsonb"
	"github.com/d2gate/d2gate/internal/sandbox/problem"
)

// Order is how the entries of a query are sorted.
type Order struct {
	onKey      bool
	path       []string
	descending bool
	numeric    bool
}

// ByKey is the order of a query that asks for none.
var byKey = Order{onKey: true}

// ParseOrder reads "path[:asc|desc|nasc|ndesc]". Errors: 409 E7650, 400.
func ParseOrder(expression string) (Order, error) {
	parts := strings.Split(separators.Replace(expression), ":")
	direction := "ASC"
	path := parts[0]
	switch {
	case len(parts) == 2 && parts[1] == "":
		path = expression
	case len(parts) == 2:
		direction = strings.ToUpper(parts[1])
	case len(parts) > 2:
		return Order{}, problem.BadRequest("Not a valid order expression: %s", expression)
	}
	norm, err := NormalisePath(path)
	if err != nil {
		return Order{}, err
	}
	o := Order{onKey: norm == "_", numeric: strings.HasPrefix(direction, "N"), descending: strings.HasSuffix(direction, "DESC")}
	switch direction {
	case "ASC", "DESC", "NASC", "NDESC":
	default:
		return Order{}, problem.New(http.StatusBadRequest, "", "No enum constant org.hisp.dhis.datastore.DatastoreQuery.Direction.%s", direction)
	}
	if !o.onKey {
		o.path = splitPath(norm)
	}
	return o, nil
}

// sortKey is what an entry is sorted by; present is false for what comes last in
// either direction.
type sortKey struct {
	row     int64
	value   jsonb.Value
	present bool
}

// key takes the sort key out of a value. A numeric order of something that is no
// number is an error of the query.
func (o Order) key(row int64, v jsonb.Value, there bool) (sortKey, error) {
	node, ok := v.Get(o.path)
	if !there || !ok {
		return sortKey{row: row}, nil
	}
	if !o.numeric || node.Kind() == jsonb.Number {
		return sortKey{row, node, true}, nil
	}
	text := node.String()
	n, ok := jsonb.ParseNumber(text)
	if _, err := strconv.ParseFloat(text, 64); !ok || err != nil {
		return sortKey{}, queryFailed(`ERROR: invalid input syntax for type double precision: "` + text + `"`)
	}
	return sortKey{row, n, true}, nil
}

// compare sorts two keys; rows come in the order of their keys and stay so.
func (o Order) compare(a, b sortKey) int {
	switch {
	case a.present != b.present && a.present:
		return -1
	case a.present != b.present:
		return 1
	case !a.present:
		return 0
	}
	c := jsonb.Compare(a.value, b.value)
	if o.descending {
		return -c
	}
	return c
}
