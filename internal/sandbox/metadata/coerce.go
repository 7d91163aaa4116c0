package metadata

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/d2gate/d2gate/internal/dhis2"
	"github.com/d2gate/d2gate/internal/sandbox/problem"
)

// coerce reads a payload as Jackson reads it into the type's Java class: members
// that the table does not know are dropped, values become what their member holds.
// What cannot be read is a *problem.Problem with Jackson's words (409), a bad date
// a 400 (DHIS2 2.44, observed).
func (s *schema) coerce(in document) (document, error) {
	out := make(document, len(in)+8)
	for name, v := range in {
		p := s.byName[name]
		if p == nil {
			if s.open && v != nil {
				out[name] = v
			}
			continue
		}
		if v == nil || p.calc && !p.dims && !p.calcOwner {
			continue
		}
		c, err := p.coerce(s, v)
		if err != nil {
			return nil, err
		}
		if c != nil {
			out[name] = c
		}
	}
	return out, nil
}

// unreadable is Jackson's complaint about a member.
func (p *property) unreadable(s *schema, format string, args ...any) error {
	return &memberError{fmt.Sprintf(format, args...), s.className(), p.name, "[Source: UNKNOWN; byte offset: #UNKNOWN]"}
}

// memberError is Jackson's complaint about a member of an object.
type memberError struct{ msg, class, member, source string }

// Error is the complaint with its place.
func (e *memberError) Error() string {
	return fmt.Sprintf("%s\n at %s (through reference chain: %s[\"%s\"])", e.msg, e.source, e.class, e.member)
}

// locate finds the place of the member in the body that was read directly.
func (e *memberError) locate(body []byte) {
	sc := newScanner(bytes.NewReader(body))
	b, ok, err := sc.skipSpace()
	if err != nil || !ok || b != '{' {
		return
	}
	f, err := sc.open(b, 0)
	for first := true; err == nil; first = false {
		var more bool
		if more, err = sc.more(f, first); err != nil || !more {
			return
		}
		var name string
		if name, err = sc.key(f); err == nil && name == e.member {
			e.source = fmt.Sprintf(redactedSource, sc.line, sc.col)
			return
		}
		if err == nil {
			err = sc.value(1)
		}
	}
}

// tokenOf names a value as Jackson names its first token.
func tokenOf(v any) (what, token string) {
	switch v := v.(type) {
	case []any:
		return "Array value", "START_ARRAY"
	case map[string]any:
		return "Object value", "START_OBJECT"
	case string:
		return "String value", "VALUE_STRING"
	case bool:
		if v {
			return "Boolean value", "VALUE_TRUE"
		}
		return "Boolean value", "VALUE_FALSE"
	case json.Number:
		if strings.ContainsAny(string(v), ".eE") {
			return "Floating-point value", "VALUE_NUMBER_FLOAT"
		}
		return "Integer value", "VALUE_NUMBER_INT"
	}
	return "Null value", "VALUE_NULL"
}

func (p *property) wrongToken(s *schema, class string, v any) error {
	what, token := tokenOf(v)
	return p.unreadable(s, "Cannot deserialize value of type `%s` from %s (token `JsonToken.%s`)", class, what, token)
}

func (p *property) coerce(s *schema, v any) (any, error) {
	switch p.kind {
	case kText, kIdent, kURL, kEmail, kPassword:
		return p.coerceText(s, v)
	case kBool:
		return p.coerceBool(s, v)
	case kInt:
		return p.coerceInt(s, v)
	case kNum:
		return p.coerceNum(s, v)
	case kDate:
		return coerceDate(v)
	case kEnum:
		return p.coerceEnum(s, v)
	case kPeriodType:
		return coercePeriodType(v), nil
	case kRef:
		return p.coerceRef(s, v)
	case kRefs, kObjs, kTexts, kInts:
		return p.coerceList(s, v)
	case kObj, kShare:
		m, ok := v.(map[string]any)
		if !ok {
			return nil, p.wrongToken(s, p.class(), v)
		}
		if p.kind == kShare {
			return coerceSharing(m), nil
		}
		return m, nil
	case kValues:
		return p.coerceValues(s, v)
	}
	return v, nil
}

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

// dateLayouts are the forms of a date that DHIS2 reads (DateUtils.java).
var dateLayouts = []string{
	"2006-01-02T15:04:05.999999999Z07:00", "2006-01-02T15:04:05.999999999Z0700", "2006-01-02T15:04:05.999999999", "2006-01-02T15:04Z07:00", "2006-01-02T15:04", "2006-01-02T15",
	"2006-01-02 15:04:05.999999999", "2006-01-02", "2006-01", "2006",
}

// parseDate reads a date as DHIS2 does: ISO 8601 in several lengths, or
// milliseconds since the epoch.
func parseDate(text string) (time.Time, bool) {
	for _, l := range dateLayouts {
		if t, err := time.Parse(l, text); err == nil {
			return t.UTC(), true
		}
	}
	if ms, err := strconv.ParseInt(text, 10, 64); err == nil && ms > -62135596800000 && ms < 253402300800000 {
		return time.UnixMilli(ms).UTC(), true
	}
	return time.Time{}, false
}

func coerceDate(v any) (any, error) {
	text := ""
	switch v := v.(type) {
	case string:
		if v == "" {
			return nil, nil
		}
		text = v
	case json.Number:
		text = string(v)
	default:
		b, err := appendAny(nil, v)
		if err != nil {
			return nil, err
		}
		text = string(b)
	}
	t, ok := parseDate(text)
	if !ok {
		return nil, problem.BadRequest("Invalid date format '%s', only ISO format or UNIX Epoch timestamp is supported.", text)
	}
	return stamp(t), nil
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

func (p *property) coerceRef(s *schema, v any) (any, error) {
	m, err := p.reference(s, v)
	if err != nil || m == nil {
		return nil, err
	}
	return m, nil
}

// reference keeps what identifies an object.
func (p *property) reference(s *schema, v any) (map[string]any, error) {
	m, ok := v.(map[string]any)
	if !ok && (p.name == "createdBy" || p.name == "lastUpdatedBy") {
		return nil, nil // read by UserPropertyTransformer, which looks for members and finds none
	}
	if !ok {
		class := p.class()
		switch v := v.(type) {
		case string:
			if v == "" {
				return nil, nil
			}
			return nil, p.unreadable(s, "Cannot construct instance of `%s` (although at least one Creator exists): no String-argument constructor/factory method to deserialize from String value ('%s')", class, v)
		case json.Number:
			return nil, p.unreadable(s, "Cannot construct instance of `%s` (although at least one Creator exists): no int/Int-argument constructor/factory method to deserialize from Number value (%s)", class, v)
		}
		return nil, p.wrongToken(s, class, v)
	}
	out := map[string]any{}
	for _, k := range []string{"id", "code"} {
		switch id := m[k].(type) {
		case string:
			out[k] = id
		case json.Number:
			out[k] = string(id)
		}
	}
	return out, nil
}

func (p *property) coerceList(s *schema, v any) (any, error) {
	list, ok := v.([]any)
	if !ok {
		class := "java.util.Set"
		if p.ordered || p.kind == kObjs {
			class = "java.util.ArrayList"
		}
		return nil, p.wrongToken(s, class, v)
	}
	out := make([]any, 0, len(list))
	for _, item := range list {
		c, err := p.coerceItem(s, item)
		if err != nil {
			return nil, err
		}
		if c != nil {
			out = append(out, c)
		}
	}
	return out, nil
}

func (p *property) coerceItem(s *schema, v any) (any, error) {
	switch {
	case v == nil:
		return nil, nil
	case p.kind == kRefs:
		m, err := p.reference(s, v)
		if err != nil || m == nil {
			return nil, err
		}
		return m, nil
	case p.kind == kTexts:
		return p.coerceText(s, v)
	case p.kind == kInts:
		return p.coerceInt(s, v)
	case p.item != nil:
		m, ok := v.(map[string]any)
		if !ok {
			return nil, p.wrongToken(s, p.item.className(), v)
		}
		return p.item.coerce(m)
	}
	return v, nil
}

func (p *property) coerceValues(s *schema, v any) (any, error) {
	list, ok := v.([]any)
	if !ok {
		return nil, p.wrongToken(s, "java.util.Set", v)
	}
	out := make([]any, 0, len(list))
	for _, item := range list {
		m, ok := item.(map[string]any)
		if !ok {
			continue
		}
		value := m["value"]
		if n, ok := value.(json.Number); ok {
			value = string(n)
		}
		if b, ok := value.(bool); ok {
			value = strconv.FormatBool(b)
		}
		if a := idOf(m["attribute"]); a != "" && value != nil {
			out = append(out, map[string]any{"attribute": id(a), "value": value})
		}
	}
	return out, nil
}

// coerceSharing keeps owner, public access and the two maps of accesses.
func coerceSharing(m map[string]any) map[string]any {
	out := map[string]any{"users": coerceAccesses(m["users"]), "userGroups": coerceAccesses(m["userGroups"])}
	for _, k := range []string{"owner", "public"} {
		if s, ok := m[k].(string); ok {
			out[k] = s
		}
	}
	return out
}

func coerceAccesses(v any) map[string]any {
	out := map[string]any{}
	m, _ := v.(map[string]any)
	for uid, a := range m {
		am, _ := a.(map[string]any)
		access, _ := am["access"].(string)
		name := uid
		if s, ok := am["id"].(string); ok {
			name = s
		}
		out[uid] = map[string]any{"id": name, "access": access}
	}
	return out
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

// class is the Java class of the member's value, or of its items.
func (p *property) class() string {
	switch {
	case p.klass != "":
		return "org.hisp.dhis." + p.klass
	case p.item != nil:
		return p.item.className()
	case p.enum != nil:
		return "org.hisp.dhis." + p.enum.klass
	}
	switch p.kind {
	case kBool:
		return "java.lang.Boolean"
	case kInt:
		return "java.lang.Integer"
	case kNum:
		return "java.lang.Double"
	case kDate:
		return "java.util.Date"
	case kPeriodType:
		return "org.hisp.dhis.period.PeriodType"
	case kShare:
		return "org.hisp.dhis.user.sharing.Sharing"
	}
	return "java.lang.String"
}
