package dhis2

import "strings"

// Columns are the members that a list has in CSV: the plain fields that were asked
// for and that the type has, in the order in which they were asked for.
func (q *ListQuery) Columns() []string {
	var names []string
	for i := range q.projection.order {
		f := &q.projection.order[i]
		if f.sub == nil && (f.attribute || f.property != nil && f.property.Simple) {
			_, name := transform(f, nil)
			names = append(names, name)
		}
	}
	return names
}

// AppendCSV appends the items of a list as DHIS2 prints them (Jackson's
// CsvEncoder): a header unless it is not wanted, values in quotes where they hold
// a character up to the separator or are longer than 24 characters.
func AppendCSV(dst []byte, columns []string, items []*Object, separator byte, header bool) []byte {
	if header {
		dst = appendRow(dst, columns, separator)
	}
	for _, item := range items {
		row := make([]string, len(columns))
		for i, name := range columns {
			v, _ := item.Get(name)
			row[i], _ = asText(v)
		}
		dst = appendRow(dst, row, separator)
	}
	return dst
}

func appendRow(dst []byte, values []string, separator byte) []byte {
	for i, v := range values {
		if i > 0 {
			dst = append(dst, separator)
		}
		if !quoted(v, separator) {
			dst = append(dst, v...)
			continue
		}
		dst = append(append(append(dst, '"'), strings.ReplaceAll(v, `"`, `""`)...), '"')
	}
	return append(dst, '\n')
}

func quoted(v string, separator byte) bool {
	if len(v) > 24 {
		return true
	}
	for i := range len(v) {
		if v[i] <= max(separator, '"') {
			return true
		}
	}
	return false
}
