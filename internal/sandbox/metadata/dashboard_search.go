package metadata

import (
	"encoding/json"
	"strconv"
	"strings"
)

// dashboardSearch is GET /dashboards/q/{text}: visualizations, maps and others whose
// name holds the text.
func (c *request) dashboardSearch() error {
	out := map[string]any{}
	total := 0
	for _, k := range []struct{ typ, count string }{{"visualization", "visualizationCount"}, {"map", "mapCount"}, {"eventReport", "eventReportCount"}, {"eventChart", "eventChartCount"}, {"user", "userCount"}, {"report", "reportCount"}} {
		s := c.s.cat.bySingular[k.typ]
		found := []any{}
		err := each(c.r.Context(), c.q, s, `name LIKE ? ESCAPE '\'`, []any{"%" + likeText(c.seg[2]) + "%"}, func(o *object) error {
			if len(found) < 6 && s.canRead(c.u, o.doc) {
				found = append(found, map[string]any{"id": o.uid, "name": nameOf(s, o.doc)})
			}
			return nil
		})
		if err != nil {
			return err
		}
		out[s.plural], out[k.count] = found, json.Number(strconv.Itoa(len(found)))
		total += len(found)
	}
	out["searchCount"] = json.Number(strconv.Itoa(total))
	body, err := appendAny(nil, out)
	if err != nil {
		return err
	}
	return c.private(body)
}

func likeText(s string) string {
	return strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(s)
}
