package dhis2

import (
	"encoding/json"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"time"
)

func (b *binder) scalar(n *Node, p *Property) (any, error) {
	switch p.Type {
	case TypeBoolean:
		return b.boolean(n, p)
	case TypeInteger:
		return b.integer(n, p)
	case TypeNumber:
		return b.number(n, p)
	case TypeDate:
		return bindDate(n)
	}
	text, _ := asText(n.Value())
	if text == "" {
		return nil, nil
	}
	if p.Type == TypeConstant && len(p.Constants) > 0 && !slices.Contains(p.Constants, text) {
		return nil, b.weird(n, p, "not one of the values accepted for Enum class: ["+strings.Join(p.Constants, ", ")+"]")
	}
	return text, nil
}

// weird is the error for a text that is no value of the property's type.
func (b *binder) weird(n *Node, p *Property, why string) error {
	return b.fail(n.At, "Cannot deserialize value of type `"+p.bound()+"` from String \""+n.Text+"\": "+why)
}

func (b *binder) boolean(n *Node, p *Property) (any, error) {
	switch n.Kind {
	case KindTrue, KindFalse:
		return n.Kind == KindTrue, nil
	case KindNumber:
		return strings.Trim(n.Text, "-0.") != "", nil
	}
	switch n.Text {
	case "":
		return nil, nil
	case "true", "True", "TRUE":
		return true, nil
	case "false", "False", "FALSE":
		return false, nil
	}
	if p.Boxed {
		return nil, b.weird(n, p, `only "true" or "false" recognized`)
	}
	return nil, b.weird(n, p, `only "true"/"True"/"TRUE" or "false"/"False"/"FALSE" recognized`)
}

func (b *binder) integer(n *Node, p *Property) (any, error) {
	bits := 32
	if strings.HasSuffix(p.JavaClass(), "Long") {
		bits = 64
	}
	switch n.Kind {
	case KindTrue, KindFalse:
		return nil, b.fail(n.At, wrongToken(p.bound(), n))
	case KindString:
		text := strings.TrimSpace(n.Text)
		if text == "" {
			return nil, nil
		}
		v, err := strconv.ParseInt(text, 10, bits)
		if err != nil {
			return nil, b.weird(n, p, "not a valid `"+p.bound()+"` value")
		}
		return json.Number(strconv.FormatInt(v, 10)), nil
	}
	v, ok := wholeNumber(n.Text, bits)
	if !ok {
		kind, low, high := "int", "-2147483648", "2147483647"
		if bits == 64 {
			kind, low, high = "long", "-9223372036854775808", "9223372036854775807"
		}
		return nil, b.fail(n.Close, "Numeric value ("+n.Text+") out of range of "+kind+" ("+low+" - "+high+")")
	}
	return json.Number(strconv.FormatInt(v, 10)), nil
}

// wholeNumber cuts the fraction off a JSON number. Exponents are bounded before
// they are worked out.
func wholeNumber(text string, bits int) (int64, bool) {
	if v, err := strconv.ParseInt(text, 10, bits); err == nil {
		return v, true
	}
	if !strings.ContainsAny(text, ".eE") {
		return 0, false
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || f >= 1<<63 || f < -1<<63 {
		return 0, false
	}
	exact, _, err := big.ParseFloat(text, 10, 128, big.ToZero)
	if err != nil {
		return 0, false
	}
	v, _ := exact.Int64()
	if bits == 32 && v != int64(int32(v)) {
		return 0, false
	}
	return v, true
}

func (b *binder) number(n *Node, p *Property) (any, error) {
	switch n.Kind {
	case KindNumber:
		return json.Number(n.Text), nil
	case KindTrue, KindFalse:
		return nil, b.fail(n.At, wrongToken(p.bound(), n))
	}
	text := strings.TrimSpace(n.Text)
	if text == "" {
		return nil, nil
	}
	v, err := strconv.ParseFloat(text, 64)
	if err != nil || strings.ContainsAny(text, "xX_iInN") {
		if p.Boxed {
			return nil, b.weird(n, p, "not a valid `"+SimpleName(p.JavaClass())+"` value")
		}
		return nil, b.weird(n, p, "not a valid `"+p.bound()+"` value (as String to convert)")
	}
	return json.Number(strconv.FormatFloat(v, 'g', -1, 64)), nil
}

// StampLayout is how DHIS2 writes an instant: UTC, milliseconds, no zone.
const StampLayout = "2006-01-02T15:04:05.000"

// bindDate reads a date in one of DHIS2's forms, or milliseconds since the epoch.
func bindDate(n *Node) (any, error) {
	if n.Kind == KindString && n.Text == "" {
		return nil, nil
	}
	if n.Kind == KindNumber {
		if ms, ok := wholeNumber(n.Text, 64); ok {
			return time.UnixMilli(ms).UTC().Format(StampLayout), nil
		}
	}
	if t, ok := ParseDate(n.Text); ok {
		return t.UTC().Format(StampLayout), nil
	}
	if ms, err := strconv.ParseInt(n.Text, 10, 64); err == nil {
		return time.UnixMilli(ms).UTC().Format(StampLayout), nil
	}
	return nil, badParameter("Invalid date format '%s', only ISO format or UNIX Epoch timestamp is supported.", n.Text)
}
