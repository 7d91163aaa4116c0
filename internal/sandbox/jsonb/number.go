package jsonb

import (
	"strconv"
	"strings"
)

// Limits of PostgreSQL's numeric: digits before and after the decimal point.
const (
	maxWhole = 131072
	maxScale = 16383
)

// decimal writes a number as PostgreSQL's numeric prints it: no exponent, the
// scale of the input kept ("1.50", "0.0"), no negative zero. It returns false
// when the number is beyond numeric.
func decimal(negative bool, whole, frac, exp string) (string, bool) {
	e, err := strconv.Atoi(strings.TrimPrefix(exp, "+"))
	if exp == "" {
		e, err = 0, nil
	}
	if err != nil || e > maxWhole || e < -maxWhole {
		return "0", false
	}
	whole, frac = shift(whole, frac, e)
	whole = strings.TrimLeft(whole, "0")
	if len(whole) > maxWhole {
		return "0", false
	}
	if len(frac) > maxScale {
		frac = frac[:maxScale]
	}
	if negative && (whole != "" || strings.Trim(frac, "0") != "") {
		return "-" + join(whole, frac), true
	}
	return join(whole, frac), true
}

// shift moves the decimal point e places to the right.
func shift(whole, frac string, e int) (string, string) {
	switch {
	case e > 0 && e >= len(frac):
		return whole + frac + strings.Repeat("0", e-len(frac)), ""
	case e > 0:
		return whole + frac[:e], frac[e:]
	case -e > len(whole):
		return "", strings.Repeat("0", -e-len(whole)) + whole + frac
	case e < 0:
		return whole[:len(whole)+e], whole[len(whole)+e:] + frac
	}
	return whole, frac
}

func join(whole, frac string) string {
	if whole == "" {
		whole = "0"
	}
	if frac == "" {
		return whole
	}
	return whole + "." + frac
}

// compareNumbers compares two numbers that decimal wrote.
func compareNumbers(a, b string) int {
	na, nb := strings.HasPrefix(a, "-"), strings.HasPrefix(b, "-")
	switch {
	case na && !nb:
		return -1
	case !na && nb:
		return 1
	case na:
		return magnitude(b[1:], a[1:])
	}
	return magnitude(a, b)
}

func magnitude(a, b string) int {
	aw, af, _ := strings.Cut(a, ".")
	bw, bf, _ := strings.Cut(b, ".")
	aw, bw = strings.TrimLeft(aw, "0"), strings.TrimLeft(bw, "0")
	if len(aw) != len(bw) {
		return sign(len(aw) - len(bw))
	}
	if c := strings.Compare(aw, bw); c != 0 {
		return c
	}
	return strings.Compare(strings.TrimRight(af, "0"), strings.TrimRight(bf, "0"))
}

func sign(n int) int {
	switch {
	case n < 0:
		return -1
	case n > 0:
		return 1
	}
	return 0
}

// ParseNumber makes a Number of plain digits ("9", "9.50", "-3"), false for any
// other text.
func ParseNumber(s string) (Value, bool) {
	p := parser{s: s}
	if c := p.peek(); c != '-' && (c < '0' || c > '9') {
		return Value{}, false
	}
	v, err := p.number()
	return v, err == nil && p.i == len(s) && p.db == nil
}
