package dhis2

import (
	"cmp"
	"encoding/json"
	"strconv"
	"strings"
	"time"
)

// class is what a filter compares a property's values as.
type class int

const (
	classText class = iota
	classInteger
	classNumber
	classBoolean
	classDate
	classEnum
	classSize // of a collection
	classReference
)

// operand is a value to compare: of a document, or of a filter.
type operand struct {
	class  class
	text   string
	number float64
	truth  bool
	time   time.Time
}

func classOf(p *Property) class {
	switch p.Type {
	case TypeInteger:
		return classInteger
	case TypeNumber:
		return classNumber
	case TypeBoolean:
		return classBoolean
	case TypeDate:
		return classDate
	case TypeConstant:
		return classEnum
	case TypeCollection:
		return classSize
	case TypeReference, TypeComplex:
		return classReference
	}
	return classText
}

// JavaClass is the Java class of the property's values.
func (p *Property) JavaClass() string {
	if p.Klass != "" {
		return p.Klass
	}
	switch p.Type {
	case TypeInteger:
		return "java.lang.Integer"
	case TypeNumber:
		return "java.lang.Double"
	case TypeBoolean:
		return "java.lang.Boolean"
	case TypeDate:
		return "java.util.Date"
	case TypeCollection:
		return "java.util.List"
	}
	return "java.lang.String"
}

// parseOperand reads a filter's value for a property. The error is the normal
// engine's.
func parseOperand(p *Property, c class, text string) (operand, error) {
	o := operand{class: c, text: text}
	var err error
	switch c {
	case classText, classReference: // compared with a set's size by its number
		o.number, _ = strconv.ParseFloat(text, 64)
	case classInteger:
		var n int64
		n, err = strconv.ParseInt(text, 10, 64)
		o.number = float64(n)
	case classNumber:
		o.number, err = strconv.ParseFloat(text, 64)
	case classBoolean:
		o.truth = strings.EqualFold(text, "true")
	case classDate:
		var ok bool
		if o.time, ok = ParseDate(text); !ok {
			return o, badQuery("Unable to parse `%s` as `Date`.", text)
		}
	case classEnum:
		if len(p.Constants) > 0 && !contains(p.Constants, text) {
			return o, badQuery("Unable to parse `%s` as `class %s`, available values are: [%s]", text, p.JavaClass(), strings.Join(p.Constants, ", "))
		}
	case classSize:
		var n int
		if n, err = strconv.Atoi(text); err != nil {
			return o, badQuery("Collection size must be integer `%s`", text)
		}
		o.number = float64(n)
	}
	if err != nil {
		return o, badQuery("Unable to parse `%s` as `%s`.", text, SimpleName(p.JavaClass()))
	}
	return o, nil
}

func contains(list []string, s string) bool {
	for _, l := range list {
		if l == s {
			return true
		}
	}
	return false
}

// valueOperand makes an operand of a document's value; ok is false for null and
// for values that do not fit the class.
func valueOperand(c class, v any) (o operand, ok bool) {
	o.class = c
	switch c {
	case classSize:
		n, ok := sizeOf(v)
		if v == nil {
			n, ok = 0, true
		}
		o.number = float64(n)
		return o, ok
	case classReference:
		if ref, isRef := v.(*Object); isRef {
			o.text = ref.Text("id")
			return o, true
		}
	case classBoolean:
		o.truth, ok = v.(bool)
		return o, ok
	case classInteger, classNumber:
		return o, o.setNumber(v)
	}
	if o.text, ok = asText(v); !ok {
		return o, false
	}
	if c == classDate {
		o.time, ok = ParseDate(o.text)
	}
	return o, ok
}

func (o *operand) setNumber(v any) bool {
	switch v := v.(type) {
	case json.Number:
		n, err := v.Float64()
		o.number = n
		return err == nil
	case int:
		o.number = float64(v)
		return true
	case float64:
		o.number = v
		return true
	}
	return false
}

// compare orders two operands of one class. Text is ordered by bytes, as in a
// database with the collation C.
func (o operand) compare(w operand) int {
	switch o.class {
	case classInteger, classNumber, classSize:
		return cmp.Compare(o.number, w.number)
	case classBoolean:
		return cmp.Compare(btoi(o.truth), btoi(w.truth))
	case classDate:
		return o.time.Compare(w.time)
	}
	return cmp.Compare(o.text, w.text)
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// dateLayouts are the forms of a date that DHIS2 reads (DateUtils.java), all in
// UTC unless they carry an offset.
var dateLayouts = []string{
	"2006-01-02T15:04:05.999999999", "2006-01-02", "2006-01-02T15:04:05.999999999Z07:00", "2006-01-02T15:04:05.999999999-0700",
	"2006-01-02T15:04", "2006-01-02T15:04Z07:00", "2006-01-02T15", "2006-01", "2006", "20060102", "200601",
	"2006-01-02 15:04:05.999999999", "2006-01-02T15:04Z0700",
}

// ParseDate reads a date or instant in one of DHIS2's forms.
func ParseDate(s string) (time.Time, bool) {
	for _, layout := range dateLayouts {
		if t, err := time.Parse(layout, s); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}
