package dhis2

import (
	"fmt"
	"time"
)

// PeriodType is one of DHIS2's kinds of period in the ISO calendar. The exported
// members are those of GET /api/periodTypes (DHIS2 2.44).
type PeriodType struct {
	Name           string `json:"name"`
	DisplayName    string `json:"displayName"`
	ISODuration    string `json:"isoDuration"`
	ISOFormat      string `json:"isoFormat"`
	FrequencyOrder int    `json:"frequencyOrder"` // about its length in days

	mark   string // stands between year and number in an id
	days   bool   // of one day
	weeks  int    // length in weeks, 0 if it is none
	first  time.Weekday
	months int        // length in months, 0 if it is none
	base   time.Month // of the first period of a year
	shift  int        // -1: named by the year in which its year ends
	pad    int        // digits of the number
	tail   string     // behind the number
}

// periodTypes are sorted by name, as DHIS2 lists them. Week 1 of a year holds 4
// January, whatever day its weeks begin on; the November types are named by the
// year they end in (DHIS2 DateUnitPeriodTypeParser).
var periodTypes = []PeriodType{
	{Name: "BiMonthly", DisplayName: "Bi-monthly", ISODuration: "P2M", ISOFormat: "yyyyMMB", FrequencyOrder: 61, months: 2, base: 1, pad: 2, tail: "B"},
	{Name: "BiWeekly", DisplayName: "Bi-weekly", ISODuration: "P14D", ISOFormat: "yyyyBiWn", FrequencyOrder: 14, mark: "BiW", weeks: 2, first: time.Monday},
	{Name: "Daily", DisplayName: "Daily", ISODuration: "P1D", ISOFormat: "yyyyMMdd", FrequencyOrder: 1, days: true},
	{Name: "FinancialApril", DisplayName: "Financial April", ISODuration: "P1Y", ISOFormat: "yyyyApril", FrequencyOrder: 365, mark: "April", months: 12, base: 4},
	{Name: "FinancialAug", DisplayName: "Financial August", ISODuration: "P1Y", ISOFormat: "yyyyAug", FrequencyOrder: 365, mark: "Aug", months: 12, base: 8},
	{Name: "FinancialFeb", DisplayName: "Financial February", ISODuration: "P1Y", ISOFormat: "yyyyFeb", FrequencyOrder: 365, mark: "Feb", months: 12, base: 2},
	{Name: "FinancialJuly", DisplayName: "Financial July", ISODuration: "P1Y", ISOFormat: "yyyyJuly", FrequencyOrder: 365, mark: "July", months: 12, base: 7},
	{Name: "FinancialNov", DisplayName: "Financial November", ISODuration: "P1Y", ISOFormat: "yyyyNov", FrequencyOrder: 365, mark: "Nov", months: 12, base: 11, shift: -1},
	{Name: "FinancialOct", DisplayName: "Financial October", ISODuration: "P1Y", ISOFormat: "yyyyOct", FrequencyOrder: 365, mark: "Oct", months: 12, base: 10},
	{Name: "FinancialSep", DisplayName: "FinancialSep", ISODuration: "P1Y", ISOFormat: "yyyySep", FrequencyOrder: 365, mark: "Sep", months: 12, base: 9},
	{Name: "Monthly", DisplayName: "Monthly", ISODuration: "P1M", ISOFormat: "yyyyMM", FrequencyOrder: 30, months: 1, base: 1, pad: 2},
	{Name: "Quarterly", DisplayName: "Quarterly", ISODuration: "P3M", ISOFormat: "yyyyQn", FrequencyOrder: 91, mark: "Q", months: 3, base: 1},
	{Name: "QuarterlyNov", DisplayName: "Quarterly November", ISODuration: "P3M", ISOFormat: "yyyyNovQn", FrequencyOrder: 91, mark: "NovQ", months: 3, base: 11, shift: -1},
	{Name: "SixMonthly", DisplayName: "Six-monthly", ISODuration: "P6M", ISOFormat: "yyyySn", FrequencyOrder: 182, mark: "S", months: 6, base: 1},
	{Name: "SixMonthlyApril", DisplayName: "Six-monthly April", ISODuration: "P6M", ISOFormat: "yyyyAprilSn", FrequencyOrder: 182, mark: "AprilS", months: 6, base: 4},
	{Name: "SixMonthlyNov", DisplayName: "Six-monthly November", ISODuration: "P6M", ISOFormat: "yyyyNovSn", FrequencyOrder: 182, mark: "NovS", months: 6, base: 11, shift: -1},
	{Name: "Weekly", DisplayName: "Weekly", ISODuration: "P7D", ISOFormat: "yyyyWn", FrequencyOrder: 7, mark: "W", weeks: 1, first: time.Monday},
	{Name: "WeeklyFriday", DisplayName: "WeeklyFriday", ISODuration: "P7D", ISOFormat: "yyyyFriWn", FrequencyOrder: 7, mark: "FriW", weeks: 1, first: time.Friday},
	{Name: "WeeklySaturday", DisplayName: "Weekly Saturday", ISODuration: "P7D", ISOFormat: "yyyySatWn", FrequencyOrder: 7, mark: "SatW", weeks: 1, first: time.Saturday},
	{Name: "WeeklySunday", DisplayName: "Weekly Sunday", ISODuration: "P7D", ISOFormat: "yyyySunWn", FrequencyOrder: 7, mark: "SunW", weeks: 1, first: time.Sunday},
	{Name: "WeeklyThursday", DisplayName: "Weekly Thursday", ISODuration: "P7D", ISOFormat: "yyyyThuWn", FrequencyOrder: 7, mark: "ThuW", weeks: 1, first: time.Thursday},
	{Name: "WeeklyWednesday", DisplayName: "Weekly Wednesday", ISODuration: "P7D", ISOFormat: "yyyyWedWn", FrequencyOrder: 7, mark: "WedW", weeks: 1, first: time.Wednesday},
	{Name: "Yearly", DisplayName: "Yearly", ISODuration: "P1Y", ISOFormat: "yyyy", FrequencyOrder: 365, months: 12, base: 1},
}

// PeriodTypes lists the period types by name.
func PeriodTypes() []PeriodType { return append([]PeriodType(nil), periodTypes...) }

// PeriodTypeByName finds a period type; nil if there is none.
func PeriodTypeByName(name string) *PeriodType {
	for i := range periodTypes {
		if periodTypes[i].Name == name {
			return &periodTypes[i]
		}
	}
	return nil
}

// id is the text of the period with the number in the year; whole years have no
// number.
func (t *PeriodType) id(year, number int, start time.Time) string {
	switch {
	case t.days:
		return start.Format("20060102")
	case t.months == 12:
		return fmt.Sprintf("%04d%s", year, t.mark)
	}
	return fmt.Sprintf("%04d%s%0*d%s", year, t.mark, t.pad, number, t.tail)
}

// perYear is how many periods a year has.
func (t *PeriodType) perYear(year int) int {
	if t.weeks > 0 {
		return (weeksIn(year, t.first) + t.weeks - 1) / t.weeks
	}
	return 12 / t.months
}

// at makes the period with the number in the year; both must exist. Not for days.
func (t *PeriodType) at(year, number int) Period {
	var start, end time.Time
	if t.weeks > 0 {
		start = firstWeek(year, t.first).AddDate(0, 0, 7*t.weeks*(number-1))
		end = start.AddDate(0, 0, 7*t.weeks-1)
	} else {
		start = day(year+t.shift, t.base+time.Month((number-1)*t.months), 1)
		end = start.AddDate(0, t.months, -1)
	}
	return Period{Type: t, Range: Range{start, end}, year: year, number: number}
}

// Containing is the period of the type that a day lies in.
func (t *PeriodType) Containing(at time.Time) Period {
	at = day(at.Date())
	switch {
	case t.days:
		return Period{Type: t, Range: Range{at, at}, year: at.Year()}
	case t.weeks > 0:
		year := at.Year()
		if at.Before(firstWeek(year, t.first)) {
			year--
		} else if !at.Before(firstWeek(year+1, t.first)) {
			year++
		}
		weeks := int(at.Sub(firstWeek(year, t.first)).Hours()) / (24 * 7)
		return t.at(year, weeks/t.weeks+1)
	}
	months := at.Year()*12 + int(at.Month()) - int(t.base)
	return t.at(months/12-t.shift, months%12/t.months+1)
}

// firstWeek is the first day of week 1: the week that holds 4 January.
func firstWeek(year int, first time.Weekday) time.Time {
	d := day(year, time.January, 4)
	return d.AddDate(0, 0, -(int(d.Weekday()-first)+7)%7)
}

func weeksIn(year int, first time.Weekday) int {
	return int(firstWeek(year+1, first).Sub(firstWeek(year, first)).Hours()) / (24 * 7)
}

// day is midnight UTC, which stands for the whole day.
func day(year int, month time.Month, d int) time.Time {
	return time.Date(year, month, d, 0, 0, 0, 0, time.UTC)
}
