package metadata

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/d2gate/d2gate/internal/dhis2"
	"github.com/d2gate/d2gate/internal/sandbox/problem"
)

// periodType is one entry of /periodTypes.
type periodType struct {
	name, display, duration, format string
	frequency                       int // days, about
}

// shownPeriodTypes are DHIS2 2.44's, by name.
var shownPeriodTypes = []periodType{
	{"BiMonthly", "Bi-monthly", "P2M", "yyyyMMB", 61},
	{"BiWeekly", "Bi-weekly", "P14D", "yyyyBiWn", 14},
	{"Daily", "Daily", "P1D", "yyyyMMdd", 1},
	{"FinancialApril", "Financial April", "P1Y", "yyyyApril", 365},
	{"FinancialAug", "Financial August", "P1Y", "yyyyAug", 365},
	{"FinancialFeb", "Financial February", "P1Y", "yyyyFeb", 365},
	{"FinancialJuly", "Financial July", "P1Y", "yyyyJuly", 365},
	{"FinancialNov", "Financial November", "P1Y", "yyyyNov", 365},
	{"FinancialOct", "Financial October", "P1Y", "yyyyOct", 365},
	{"FinancialSep", "FinancialSep", "P1Y", "yyyySep", 365},
	{"Monthly", "Monthly", "P1M", "yyyyMM", 30},
	{"Quarterly", "Quarterly", "P3M", "yyyyQn", 91},
	{"QuarterlyNov", "Quarterly November", "P3M", "yyyyNovQn", 91},
	{"SixMonthly", "Six-monthly", "P6M", "yyyySn", 182},
	{"SixMonthlyApril", "Six-monthly April", "P6M", "yyyyAprilSn", 182},
	{"SixMonthlyNov", "Six-monthly November", "P6M", "yyyyNovSn", 182},
	{"Weekly", "Weekly", "P7D", "yyyyWn", 7},
	{"WeeklyFriday", "WeeklyFriday", "P7D", "yyyyFriWn", 7},
	{"WeeklySaturday", "Weekly Saturday", "P7D", "yyyySatWn", 7},
	{"WeeklySunday", "Weekly Sunday", "P7D", "yyyySunWn", 7},
	{"WeeklyThursday", "Weekly Thursday", "P7D", "yyyyThuWn", 7},
	{"WeeklyWednesday", "Weekly Wednesday", "P7D", "yyyyWedWn", 7},
	{"Yearly", "Yearly", "P1Y", "yyyy", 365},
}

// relativePeriods are DHIS2 2.44's RelativePeriodEnum.
var relativePeriods = strings.Fields(`TODAY YESTERDAY LAST_3_DAYS LAST_7_DAYS LAST_14_DAYS LAST_30_DAYS LAST_60_DAYS LAST_90_DAYS LAST_180_DAYS THIS_MONTH LAST_MONTH THIS_BIMONTH
LAST_BIMONTH THIS_QUARTER LAST_QUARTER THIS_SIX_MONTH LAST_SIX_MONTH WEEKS_THIS_YEAR MONTHS_THIS_YEAR BIMONTHS_THIS_YEAR QUARTERS_THIS_YEAR THIS_YEAR
MONTHS_LAST_YEAR QUARTERS_LAST_YEAR LAST_YEAR LAST_5_YEARS LAST_10_YEARS LAST_12_MONTHS LAST_6_MONTHS LAST_3_MONTHS LAST_6_BIMONTHS LAST_4_QUARTERS
LAST_2_SIXMONTHS THIS_FINANCIAL_YEAR LAST_FINANCIAL_YEAR LAST_5_FINANCIAL_YEARS LAST_10_FINANCIAL_YEARS THIS_WEEK LAST_WEEK THIS_BIWEEK LAST_BIWEEK
LAST_4_WEEKS LAST_4_BIWEEKS LAST_12_WEEKS LAST_52_WEEKS`)

// periodActions are the paths below /periodTypes.
func (c *request) periodActions() actions {
	switch strings.Join(c.seg[1:], "/") {
	case "":
		return actions{http.MethodGet: c.json(c.periodTypes), http.MethodPut: c.json(c.labelPeriodType)}
	case "relativePeriodTypes":
		return actions{http.MethodGet: c.json(func() error {
			body, err := dhis2.EncodeJSON(relativePeriods)
			if err != nil {
				return err
			}
			return c.tagged(body)
		})}
	}
	return nil
}

func (c *request) periodTypes() error {
	n, err := c.fieldsOr("*")
	if err != nil {
		return err
	}
	labels, err := c.s.periodLabels(c.r.Context())
	if err != nil {
		return err
	}
	b := []byte(`{"periodTypes":[`)
	for i, p := range shownPeriodTypes {
		if i > 0 {
			b = append(b, ',')
		}
		members := []pair{{"name", p.name}, {"displayName", p.display}, {"isoDuration", p.duration}, {"isoFormat", p.format}, {"frequencyOrder", rawJSON(strconv.Itoa(p.frequency))}}
		if l := labels[p.name]; l != "" {
			members = append(members, pair{"label", l}, pair{"displayLabel", l})
		}
		if b, err = appendSelected(b, members, n); err != nil {
			return err
		}
	}
	return c.tagged(append(b, "]}"...))
}

// labelPeriodType is PUT /periodTypes: the label of a period type.
func (c *request) labelPeriodType() error {
	if err := c.mediaType("application/json"); err != nil {
		if p := problem.From(err); p != nil && strings.Contains(p.Message, "'text/plain'") {
			p.Message = "Content-Type 'text/plain;charset=UTF-8' is not supported"
		}
		return err
	}
	if !c.u.Super() {
		return problem.Requires("ALL")
	}
	b, err := c.body()
	if err != nil {
		return err
	}
	if err := checkJSON(b); err != nil {
		if j, ok := errors.AsType[*jsonError](err); ok {
			return problem.BadRequest("JSON parse error: %s", j.msg)
		}
		return err
	}
	m, err := parseDocument(b)
	if err != nil {
		return problem.BadRequest("JSON parse error: %s", err)
	}
	name := textOf(m, "name")
	if !slices.ContainsFunc(shownPeriodTypes, func(p periodType) bool { return p.name == name }) {
		return problem.NotFound("Period type %s could not be found.", name)
	}
	if err := c.s.labelPeriod(c.r.Context(), name, textOf(m, "label")); err != nil {
		return err
	}
	return c.message(dhis2.OK(name + " updated successfully."))
}
