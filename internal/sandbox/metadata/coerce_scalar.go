package metadata

import (
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/d2gate/d2gate/internal/dhis2"
)

func (p *property) coerceText(s *schema, v any) (any, error) {
	switch v := v.(type) {
	case string:
		return v, nil
	case json.Number:
		return string(v), nil
	case bool:
		return strconv.FormatBool(v), nil
	}
	return nil, p.wrongToken(s, "java.lang.String", v)
}

func (p *property) coerceBool(s *schema, v any) (any, error) {
	switch v := v.(type) {
	case bool:
		return v, nil
	case json.Number:
		return v != "0", nil
	case string:
		switch v {
		case "true", "True", "TRUE":
			return true, nil
		case "false", "False", "FALSE":
			return false, nil
		case "":
			return nil, nil
		}
		return nil, p.unreadable(s, "Cannot deserialize value of type `boolean` from String \"%s\": only \"true\"/\"True\"/\"TRUE\" or \"false\"/\"False\"/\"FALSE\" recognized", v)
	}
	return nil, p.wrongToken(s, "boolean", v)
}

func (p *property) coerceInt(s *schema, v any) (any, error) {
	text := ""
	switch v := v.(type) {
	case json.Number:
		text = string(v)
	case string:
		if text = strings.TrimSpace(v); text == "" {
			return nil, nil
		}
		if _, err := strconv.ParseFloat(text, 64); err != nil || strings.ContainsAny(text, ".eE") {
			return nil, p.unreadable(s, "Cannot deserialize value of type `int` from String \"%s\": not a valid `int` value", v)
		}
	default:
		return nil, p.wrongToken(s, "int", v)
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || f < math.MinInt32 || f > math.MaxInt32 {
		return nil, p.unreadable(s, "Numeric value (%s) out of range of int (-2147483648 - 2147483647)", text)
	}
	return json.Number(strconv.FormatInt(int64(f), 10)), nil
}

func (p *property) coerceNum(s *schema, v any) (any, error) {
	text := ""
	switch v := v.(type) {
	case json.Number:
		text = string(v)
	case string:
		if text = strings.TrimSpace(v); text == "" {
			return nil, nil
		}
		if f, err := strconv.ParseFloat(text, 64); err != nil && !math.IsInf(f, 0) || math.IsNaN(f) {
			return nil, p.unreadable(s, "Cannot deserialize value of type `double` from String \"%s\": not a valid `double` value (as String to convert)", v)
		}
	default:
		return nil, p.wrongToken(s, "double", v)
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil && !math.IsInf(f, 0) {
		return nil, p.unreadable(s, "Numeric value (%s) out of range of `double`", text)
	}
	return json.Number(javaDouble(f)), nil // an infinite one is refused by validate, and never stored
}

func (p *property) coerceEnum(s *schema, v any) (any, error) {
	text, ok := v.(string)
	if !ok {
		return nil, p.wrongToken(s, "org.hisp.dhis."+p.enum.klass, v)
	}
	if text == "" {
		return nil, nil
	}
	if !slices.Contains(p.enum.values, text) {
		return nil, p.unreadable(s, "Cannot deserialize value of type `org.hisp.dhis.%s` from String \"%s\": not one of the values accepted for Enum class: [%s]", p.enum.klass, text, strings.Join(p.enum.values, ", "))
	}
	return text, nil
}

// coercePeriodType reads the name of a period type; a name that DHIS2 does not
// know counts as missing (2.44, observed).
func coercePeriodType(v any) any {
	if m, ok := v.(map[string]any); ok {
		v = m["name"]
	}
	if s, ok := v.(string); ok && dhis2.PeriodTypeByName(s) != nil {
		return s
	}
	return nil
}
