package dhis2_test

import (
	"encoding/json"
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/d2gate/d2gate/internal/dhis2"
)

const dayLayout = "2006-01-02"

func days(r dhis2.Range) [2]string {
	return [2]string{r.Start.Format(dayLayout), r.End.Format(dayLayout)}
}

func TestPeriodTypesAreThoseOfDHIS2(t *testing.T) {
	var recorded struct {
		PeriodTypes []map[string]any
		Relative    []string
	}
	readJSON(t, "testdata/periods.json", &recorded)
	text, err := json.Marshal(dhis2.PeriodTypes())
	require.NoError(t, err)
	want, err := json.Marshal(recorded.PeriodTypes)
	require.NoError(t, err)
	require.JSONEq(t, string(want), string(text))
	require.Len(t, dhis2.PeriodTypes(), 23)
	require.Equal(t, recorded.Relative, dhis2.RelativePeriodNames())
}

func TestAPeriodCoversItsCalendarDays(t *testing.T) {
	for _, tt := range []struct{ id, typ, from, to, id2 string }{
		{"20040315", "Daily", "2004-03-15", "2004-03-15", ""},
		{"2004-03-15", "Daily", "2004-03-15", "2004-03-15", "20040315"},
		{"20240229", "Daily", "2024-02-29", "2024-02-29", ""},
		{"2004W10", "Weekly", "2004-03-01", "2004-03-07", ""},
		{"2025W1", "Weekly", "2024-12-30", "2025-01-05", ""},
		{"2020W53", "Weekly", "2020-12-28", "2021-01-03", ""},
		{"2024W09", "Weekly", "2024-02-26", "2024-03-03", "2024W9"},
		{"2015WedW5", "WeeklyWednesday", "2015-01-28", "2015-02-03", ""},
		{"2015ThuW6", "WeeklyThursday", "2015-02-05", "2015-02-11", ""},
		{"2015SatW7", "WeeklySaturday", "2015-02-14", "2015-02-20", ""},
		{"2015SunW8", "WeeklySunday", "2015-02-22", "2015-02-28", ""},
		{"2024FriW1", "WeeklyFriday", "2023-12-29", "2024-01-04", ""},
		{"2015BiW1", "BiWeekly", "2014-12-29", "2015-01-11", ""},
		{"2020BiW27", "BiWeekly", "2020-12-28", "2021-01-10", ""},
		{"200403", "Monthly", "2004-03-01", "2004-03-31", ""},
		{"2024-02", "Monthly", "2024-02-01", "2024-02-29", "202402"},
		{"200401B", "BiMonthly", "2004-01-01", "2004-02-29", ""},
		{"200406B", "BiMonthly", "2004-11-01", "2004-12-31", ""},
		{"2004Q1", "Quarterly", "2004-01-01", "2004-03-31", ""},
		{"2025NovQ1", "QuarterlyNov", "2024-11-01", "2025-01-31", ""},
		{"2025NovQ2", "QuarterlyNov", "2025-02-01", "2025-04-30", ""},
		{"2004S1", "SixMonthly", "2004-01-01", "2004-06-30", ""},
		{"2004AprilS1", "SixMonthlyApril", "2004-04-01", "2004-09-30", ""},
		{"2004AprilS2", "SixMonthlyApril", "2004-10-01", "2005-03-31", ""},
		{"2025NovS1", "SixMonthlyNov", "2024-11-01", "2025-04-30", ""},
		{"2004", "Yearly", "2004-01-01", "2004-12-31", ""},
		{"2004April", "FinancialApril", "2004-04-01", "2005-03-31", ""},
		{"2004July", "FinancialJuly", "2004-07-01", "2005-06-30", ""},
		{"2004Oct", "FinancialOct", "2004-10-01", "2005-09-30", ""},
		{"2004Sep", "FinancialSep", "2004-09-01", "2005-08-31", ""},
		{"2004Feb", "FinancialFeb", "2004-02-01", "2005-01-31", ""},
		{"2004Aug", "FinancialAug", "2004-08-01", "2005-07-31", ""},
		{"2025Nov", "FinancialNov", "2024-11-01", "2025-10-31", ""},
	} {
		t.Run(tt.id, func(t *testing.T) {
			p, err := dhis2.ParsePeriod(tt.id)
			require.NoError(t, err)
			require.Equal(t, tt.typ, p.Type.Name)
			require.Equal(t, [2]string{tt.from, tt.to}, days(p.Range))
			if tt.id2 == "" {
				tt.id2 = tt.id
			}
			require.Equal(t, tt.id2, p.ID())
		})
	}
}

func TestWhatIsNoPeriodIsRefused(t *testing.T) {
	for _, id := range []string{
		"", "2", "202", "202413", "202400", "20240230", "20241301", "2023W53", "2024W0", "2024W54", "2024W100", "2024Q0", "2024Q5", "2024Q01", "2024S3", "202407B", "20241B",
		"2024NovQ5", "2024April1", "2024Mars", "2024w1", "2024 ", " 2024", "2024\n", "0000", "00001", "2024-1", "2024-13", "2019BiW27", "LAST_YEAR", "2024B", "2024BiW", "２０２４",
	} {
		_, err := dhis2.ParsePeriod(id)
		require.ErrorIs(t, err, dhis2.ErrPeriod, "%q", id)
	}
}

// Every day from 2014 to 2027 lies in exactly one period of each type, that period
// reads back from its text, and the one before its next is itself. Fortnights
// overlap where a year has 53 weeks.
func TestPeriodsOfATypeFollowOneAnother(t *testing.T) {
	for _, typ := range dhis2.PeriodTypes() {
		t.Run(typ.Name, func(t *testing.T) {
			from, to := date("2014-01-01"), date("2027-12-31")
			p := typ.Containing(from)
			for !p.Start.After(to) {
				for d := p.Start; !d.After(p.End); d = d.AddDate(0, 0, 1) {
					if in := typ.Containing(d); typ.Name != "BiWeekly" {
						require.Equal(t, p.ID(), in.ID(), d.Format(dayLayout))
					}
				}
				again, err := dhis2.ParsePeriod(p.ID())
				require.NoError(t, err)
				require.Equal(t, p.Range, again.Range)
				next := p.Next()
				if typ.Name != "BiWeekly" {
					require.Equal(t, p.End.AddDate(0, 0, 1), next.Start)
				}
				require.Equal(t, p.ID(), next.Previous().ID())
				p = next
			}
		})
	}
}

func splitPath(p string) []string { return strings.Split(p, "/") }

func date(s string) time.Time {
	t, err := time.Parse(dayLayout, s)
	if err != nil {
		panic(err)
	}
	return t
}

func TestRelativePeriodsCountFromToday(t *testing.T) {
	for _, tt := range []struct {
		name, today, from, to string
		count                 int
	}{
		{"TODAY", "2026-11-24", "2026-11-24", "2026-11-24", 1},
		{"YESTERDAY", "2024-03-01", "2024-02-29", "2024-02-29", 1},
		{"LAST_7_DAYS", "2026-11-24", "2026-11-17", "2026-11-23", 7},
		{"LAST_180_DAYS", "2026-11-24", "2026-05-28", "2026-11-23", 180},
		{"THIS_WEEK", "2026-11-24", "2026-11-23", "2026-11-29", 1},
		{"LAST_4_WEEKS", "2026-11-24", "2026-10-26", "2026-11-22", 4},
		{"LAST_52_WEEKS", "2026-11-24", "2025-11-24", "2026-11-22", 52},
		{"LAST_4_BIWEEKS", "2026-11-24", "2026-09-21", "2026-11-15", 4},
		{"LAST_MONTH", "2026-03-31", "2026-02-01", "2026-02-28", 1},
		{"LAST_12_MONTHS", "2026-11-24", "2025-11-01", "2026-10-31", 12},
		{"LAST_6_BIMONTHS", "2026-11-24", "2025-11-01", "2026-10-31", 6},
		{"LAST_4_QUARTERS", "2026-11-24", "2025-10-01", "2026-09-30", 4},
		{"LAST_2_SIXMONTHS", "2026-11-24", "2025-07-01", "2026-06-30", 2},
		{"WEEKS_THIS_YEAR", "2026-11-24", "2025-12-29", "2027-01-03", 53},
		{"MONTHS_LAST_YEAR", "2026-11-24", "2025-01-01", "2025-12-31", 12},
		{"LAST_5_YEARS", "2026-11-24", "2021-01-01", "2025-12-31", 5},
		{"LAST_10_YEARS", "2026-11-24", "2016-01-01", "2025-12-31", 10},
		{"THIS_FINANCIAL_YEAR", "2026-11-24", "2026-10-01", "2027-09-30", 1},
		{"LAST_FINANCIAL_YEAR", "2026-09-30", "2024-10-01", "2025-09-30", 1},
		{"LAST_5_FINANCIAL_YEARS", "2026-11-24", "2021-10-01", "2026-09-30", 5},
	} {
		t.Run(tt.name, func(t *testing.T) {
			list, err := dhis2.RelativePeriods(tt.name, date(tt.today), "")
			require.NoError(t, err)
			require.Len(t, list, tt.count)
			require.Equal(t, [2]string{tt.from, tt.to}, days(dhis2.Range{Start: list[0].Start, End: list[len(list)-1].End}))
		})
	}
	april, err := dhis2.RelativePeriods("THIS_FINANCIAL_YEAR", date("2026-03-31"), "FinancialApril")
	require.NoError(t, err)
	require.Equal(t, "2025April", april[0].ID())
	for _, name := range dhis2.RelativePeriodNames() {
		_, err := dhis2.RelativePeriods(name, date("2026-11-24"), "")
		require.NoError(t, err, name)
	}
	for _, name := range []string{"LAST_99_YEARS", "last_year", "", "2024"} {
		_, err := dhis2.RelativePeriods(name, date("2026-11-24"), "")
		require.ErrorIs(t, err, dhis2.ErrPeriod)
	}
	_, err = dhis2.RelativePeriods("THIS_FINANCIAL_YEAR", date("2026-11-24"), "Weekly")
	require.ErrorIs(t, err, dhis2.ErrPeriod)
}

func TestAnalyticsQueriesNameTheDaysTheyAskFor(t *testing.T) {
	today := date("2026-11-24")
	for _, tt := range []struct {
		name, path, query string
		want              [][2]string
		err               error
	}{
		{"periods of a dimension", "analytics", "dimension=dx:a;b&dimension=pe:202401;2024Q2", [][2]string{{"2024-01-01", "2024-01-31"}, {"2024-04-01", "2024-06-30"}}, nil},
		{"as a filter", "analytics", "filter=pe:LAST_MONTH", [][2]string{{"2026-10-01", "2026-10-31"}}, nil},
		{"several dimensions in one parameter", "analytics", "dimension=dx:a,pe:2024,ou:x", [][2]string{{"2024-01-01", "2024-12-31"}}, nil},
		{"a custom range", "analytics", "dimension=pe:20240101_20240331", [][2]string{{"2024-01-01", "2024-03-31"}}, nil},
		{"a custom range with hyphens", "analytics", "dimension=pe:2024-01-01_2024-03-31", [][2]string{{"2024-01-01", "2024-03-31"}}, nil},
		{"start and end", "analytics", "startDate=2024-01-01&endDate=2024-03-31", [][2]string{{"2024-01-01", "2024-03-31"}}, nil},
		{"a start alone is open", "analytics", "startDate=2024-01-01", nil, dhis2.ErrOpenRange},
		{"no dates at all are open", "analytics", "dimension=dx:a", nil, dhis2.ErrOpenRange},
		{"an unknown item is refused", "analytics", "dimension=pe:202401;WHENEVER", nil, dhis2.ErrPeriod},
		{"a range that ends first is refused", "analytics", "dimension=pe:20240331_20240101", nil, dhis2.ErrPeriod},
		{"relative to another day", "analytics", "dimension=pe:THIS_YEAR&relativePeriodDate=2010-05-05", [][2]string{{"2010-01-01", "2010-12-31"}}, nil},
		{"a repeated side counts each time", "analytics", "startDate=2024-01-01&startDate=1990-01-01&endDate=2024-03-31", [][2]string{{"2024-01-01", "2024-03-31"}, {"1990-01-01", "2024-03-31"}}, nil},
		{"date fields of events", "analytics/events/query/IpHINAT79UW", "dimension=pe:202401:LAST_UPDATED&eventDate=2024;LAST_MONTH", [][2]string{{"2024-01-01", "2024-01-31"}, {"2024-01-01", "2024-12-31"}, {"2026-10-01", "2026-10-31"}}, nil},
		{"data value sets", "dataValueSets", "period=202401&period=202402", [][2]string{{"2024-01-01", "2024-01-31"}, {"2024-02-01", "2024-02-29"}}, nil},
		{"tracker events", "tracker/events", "occurredAfter=2024-01-01T00:00:00&occurredBefore=2024-02-01", [][2]string{{"2024-01-01", "2024-02-01"}}, nil},
		{"a resource without dates", "dashboards", "startDate=x", nil, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := dhis2.QueryDates(dhis2.ParsePath(splitPath("api/"+tt.path)).Segments, dhis2.ParseQuery(tt.query), today, "")
			require.True(t, errors.Is(err, tt.err), "%v", err)
			var ranges [][2]string
			for _, r := range got {
				ranges = append(ranges, days(r))
			}
			require.Equal(t, tt.want, ranges)
		})
	}
}

func TestARangeContainsWhatLiesWhollyInside(t *testing.T) {
	year, err := dhis2.ParsePeriod("2024")
	require.NoError(t, err)
	for id, want := range map[string]bool{"202401": true, "2024": true, "2024Oct": false, "2024W1": true, "2025W1": false} {
		p, err := dhis2.ParsePeriod(id)
		require.NoError(t, err)
		require.Equal(t, want, year.Contains(p.Range), id)
	}
	require.Equal(t, 366, year.Days())
}

func FuzzParsePeriod(f *testing.F) {
	for _, s := range []string{"2024", "2024W9", "202401B", "2024NovQ1", "2024-01-31", "20240101_20240301", "LAST_12_MONTHS", "202401:LAST_UPDATED"} {
		f.Add(s)
	}
	today := date("2026-11-24")
	f.Fuzz(func(t *testing.T, in string) {
		if p, err := dhis2.ParsePeriod(in); err == nil {
			again, err := dhis2.ParsePeriod(p.ID())
			require.NoError(t, err)
			require.Equal(t, p.Range, again.Range)
			require.Contains(t, []string{in, p.ID()}, again.ID())
			require.Equal(t, p.ID(), p.Next().Previous().ID())
		} else {
			require.ErrorIs(t, err, dhis2.ErrPeriod)
		}
		if r, err := dhis2.PeriodItem(in, today, ""); err == nil {
			require.False(t, r.End.Before(r.Start))
		}
		_, _ = dhis2.QueryDates([]string{"analytics"}, url.Values{"dimension": {"pe:" + in}}, today, "")
	})
}
