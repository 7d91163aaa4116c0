package dhis2

import (
	"fmt"
	"slices"
	"time"
)

// relativePeriod is one entry of the relative periods: count periods of a type,
// of which the last lies back periods before the one that holds today; or with
// whole all periods of the year that lies back years before this one.
type relativePeriod struct {
	name        string
	periodType  string // "" is the financial year of the server
	count, back int
	whole       bool
}

// relativePeriods are in the order of GET /api/periodTypes/relativePeriodTypes.
// Which periods they mean is that of DHIS2's RelativePeriods.java: LAST_n never
// holds the current one.
var relativePeriods = []relativePeriod{
	{"TODAY", "Daily", 1, 0, false}, {"YESTERDAY", "Daily", 1, 1, false}, {"LAST_3_DAYS", "Daily", 3, 1, false}, {"LAST_7_DAYS", "Daily", 7, 1, false},
	{"LAST_14_DAYS", "Daily", 14, 1, false}, {"LAST_30_DAYS", "Daily", 30, 1, false}, {"LAST_60_DAYS", "Daily", 60, 1, false},
	{"LAST_90_DAYS", "Daily", 90, 1, false}, {"LAST_180_DAYS", "Daily", 180, 1, false},
	{"THIS_MONTH", "Monthly", 1, 0, false}, {"LAST_MONTH", "Monthly", 1, 1, false}, {"THIS_BIMONTH", "BiMonthly", 1, 0, false}, {"LAST_BIMONTH", "BiMonthly", 1, 1, false},
	{"THIS_QUARTER", "Quarterly", 1, 0, false}, {"LAST_QUARTER", "Quarterly", 1, 1, false}, {"THIS_SIX_MONTH", "SixMonthly", 1, 0, false}, {"LAST_SIX_MONTH", "SixMonthly", 1, 1, false},
	{"WEEKS_THIS_YEAR", "Weekly", 0, 0, true}, {"MONTHS_THIS_YEAR", "Monthly", 0, 0, true}, {"BIMONTHS_THIS_YEAR", "BiMonthly", 0, 0, true}, {"QUARTERS_THIS_YEAR", "Quarterly", 0, 0, true},
	{"THIS_YEAR", "Yearly", 1, 0, false}, {"MONTHS_LAST_YEAR", "Monthly", 0, 1, true}, {"QUARTERS_LAST_YEAR", "Quarterly", 0, 1, true}, {"LAST_YEAR", "Yearly", 1, 1, false},
	{"LAST_5_YEARS", "Yearly", 5, 1, false}, {"LAST_10_YEARS", "Yearly", 10, 1, false}, {"LAST_12_MONTHS", "Monthly", 12, 1, false}, {"LAST_6_MONTHS", "Monthly", 6, 1, false},
	{"LAST_3_MONTHS", "Monthly", 3, 1, false}, {"LAST_6_BIMONTHS", "BiMonthly", 6, 1, false}, {"LAST_4_QUARTERS", "Quarterly", 4, 1, false}, {"LAST_2_SIXMONTHS", "SixMonthly", 2, 1, false},
	{"THIS_FINANCIAL_YEAR", "", 1, 0, false}, {"LAST_FINANCIAL_YEAR", "", 1, 1, false}, {"LAST_5_FINANCIAL_YEARS", "", 5, 1, false}, {"LAST_10_FINANCIAL_YEARS", "", 10, 1, false},
	{"THIS_WEEK", "Weekly", 1, 0, false}, {"LAST_WEEK", "Weekly", 1, 1, false}, {"THIS_BIWEEK", "BiWeekly", 1, 0, false}, {"LAST_BIWEEK", "BiWeekly", 1, 1, false},
	{"LAST_4_WEEKS", "Weekly", 4, 1, false}, {"LAST_4_BIWEEKS", "BiWeekly", 4, 1, false}, {"LAST_12_WEEKS", "Weekly", 12, 1, false}, {"LAST_52_WEEKS", "Weekly", 52, 1, false},
}

// RelativePeriodNames lists the relative periods in DHIS2's order.
func RelativePeriodNames() []string {
	names := make([]string, len(relativePeriods))
	for i, r := range relativePeriods {
		names[i] = r.name
	}
	return names
}

// financialYears are the types that a server's financial year can be (setting
// analyticsFinancialYearStart); DHIS2's default is October.
var financialYears = []string{"FinancialOct", "FinancialApril", "FinancialJuly", "FinancialSep", "FinancialNov", "FinancialFeb", "FinancialAug"}

// RelativePeriods gives the periods that a name (LAST_12_MONTHS) means on a day,
// oldest first. Financial names the server's financial year, "" is FinancialOct.
// The error is ErrPeriod.
func RelativePeriods(name string, today time.Time, financial string) ([]Period, error) {
	i := slices.IndexFunc(relativePeriods, func(r relativePeriod) bool { return r.name == name })
	if i < 0 {
		return nil, fmt.Errorf("%w: %.30q", ErrPeriod, name)
	}
	r := relativePeriods[i]
	if r.periodType == "" {
		if r.periodType = financial; financial == "" {
			r.periodType = financialYears[0]
		}
		if !slices.Contains(financialYears, r.periodType) {
			return nil, fmt.Errorf("%w: financial year %.30q", ErrPeriod, financial)
		}
	}
	t := PeriodTypeByName(r.periodType)
	if r.whole {
		return wholeYear(t, today.Year()-r.back), nil
	}
	p := t.Containing(today)
	for range r.back {
		p = p.Previous()
	}
	out := make([]Period, r.count)
	for i := range out {
		out[r.count-1-i] = p
		p = p.Previous()
	}
	return out, nil
}

func wholeYear(t *PeriodType, year int) []Period {
	out := make([]Period, t.perYear(year))
	for i := range out {
		out[i] = t.at(year, i+1)
	}
	return out
}
