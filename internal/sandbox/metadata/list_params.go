package metadata

import (
	"strconv"
	"strings"

	"github.com/d2gate/d2gate/internal/sandbox/problem"
)

// listParams are the parameters of a list.
type listParams struct {
	page, size int
	paging     bool
	or         bool
	gist       string // true, false or "" for the engine that fits
}

// defaultPageSize is how many objects a page has.
const defaultPageSize = 50

func (c *request) intParam(name string, def int) (int, error) {
	v, ok := c.query[name]
	switch {
	case !ok:
		return def, nil
	case v[0] == "":
		return 0, problem.BadRequest("%s cannot be empty. It should be of type int", name)
	}
	n, err := strconv.ParseInt(v[0], 10, 32)
	if err != nil {
		return 0, problem.BadRequest("Value '%s' is not valid for parameter %s. It should be of type int", v[0], name)
	}
	return int(n), nil
}

func (c *request) boolParam(name string, def bool) (bool, error) {
	v := c.query.Get(name)
	switch strings.ToLower(v) {
	case "":
		return def, nil
	case "true", "yes", "on", "1":
		return true, nil
	case "false", "no", "off", "0":
		return false, nil
	}
	return false, problem.BadRequest("Value '%s' is not valid for parameter %s. It should be of type boolean", v, name)
}

func (c *request) listParams() (listParams, error) {
	var p listParams
	var err error
	if p.page, err = c.intParam("page", 1); err != nil {
		return p, err
	}
	if p.size, err = c.intParam("pageSize", defaultPageSize); err != nil {
		return p, err
	}
	if p.paging, err = c.boolParam("paging", true); err != nil {
		return p, err
	}
	switch j := strings.ToUpper(c.query.Get("rootJunction")); j {
	case "", "AND":
	case "OR":
		p.or = true
	default:
		return p, problem.BadRequest("Value '%s' is not valid for parameter rootJunction. Valid values are: [AND, OR]", c.query.Get("rootJunction"))
	}
	if c.query.Get("gist") != "" {
		g, err := c.boolParam("gist", false)
		if err != nil {
			return p, err
		}
		p.gist = strconv.FormatBool(g)
	}
	p.page = max(p.page, 1)
	return p, nil
}
