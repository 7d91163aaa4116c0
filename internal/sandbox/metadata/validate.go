package metadata

import (
	"encoding/json"
	"math"
	"net/mail"
	"regexp"
	"strings"
	"unicode/utf16"

	"github.com/d2gate/d2gate/internal/dhis2"
)

var emailForm = regexp.MustCompile(`^[^\s@]+@[^\s@]+\.[^\s@]+$`)

var urlForm = regexp.MustCompile(`^(?i)(https?|ftp)://[^\s/?#.]+[^\s]*$`)

// validate checks a document against its type: E4000 to E4008.
func (s *schema) validate(doc document) []errorReport {
	var errs []errorReport
	for _, p := range s.properties {
		if !p.isStored() && p.kind != kPassword || p.name == "created" || p.name == "lastUpdated" {
			continue
		}
		if e, wrong := p.validate(s, doc[p.name]); wrong {
			errs = append(errs, e)
		}
	}
	return errs
}

// validateUID checks the form of a uid: E4014.
func (s *schema) validateUID(doc document) []errorReport {
	if uid := textOf(doc, "id"); !dhis2.IsUID(uid) {
		return []errorReport{report(s, "E4014", "Invalid UID `%s` for property `%s`", uid, s.simpleName())}
	}
	return nil
}

func (p *property) validate(s *schema, v any) (errorReport, bool) {
	if v == nil || v == "" {
		if p.required {
			return report(s, "E4000", "Missing required property `%s`", p.name).of(p.class(), p.name), true
		}
		if v == nil {
			return errorReport{}, false
		}
	}
	switch v := v.(type) {
	case string:
		if p.kind == kEnum || p.kind == kDate || p.kind == kPeriodType {
			return errorReport{}, false
		}
		return p.validateText(s, v)
	case json.Number:
		return p.validateNumber(s, v)
	}
	return errorReport{}, false
}

// validateNumber: E4008. The message groups digits, the arguments are Java's.
func (p *property) validateNumber(s *schema, v json.Number) (errorReport, bool) {
	low, high := p.min, p.max
	if math.IsNaN(low) {
		low = -math.MaxFloat64
	}
	if math.IsNaN(high) {
		high = math.MaxFloat64
	}
	f, err := v.Float64()
	if err == nil && f >= low && f <= high {
		return errorReport{}, false
	}
	given := any(rawJSON(v))
	if math.IsInf(f, 0) {
		given = string(v)
	}
	return errorReport{
		Message: "Allowed range for numeric property `" + p.name + "` is [" + messageNumber(low) + " to " + messageNumber(high) + "], but number given was " + messageNumber(f),
		Args:    []any{p.name, javaDouble(low), javaDouble(high), string(v)}, MainKlass: s.className(), ErrorCode: "E4008", ErrorKlass: p.class(), ErrorProperty: p.name,
		ErrorProperties: []any{p.name, rawJSON(javaDouble(low)), rawJSON(javaDouble(high)), given},
	}, true
}

func (p *property) validateText(s *schema, v string) (errorReport, bool) {
	n := len(v)
	if n > 0 {
		n = len(utf16.Encode([]rune(v)))
	}
	switch {
	case p.kind == kPassword:
		return errorReport{}, false
	case !math.IsNaN(p.max) && n > int(p.max):
		return report(s, "E4001", "Maximum length of property `%s`is %s, but given length was %s", p.name, rawInt(p.max), rawInt(float64(n))).of(p.class(), p.name).numbers(), true
	case !math.IsNaN(p.min) && n < int(p.min):
		top := p.max
		if math.IsNaN(top) {
			top = math.MaxInt32
		}
		return report(s, "E4002", "Allowed length range for property `%s` is [%s to %s], but given length was %s", p.name, p.min, top, rawInt(float64(n))).of(p.class(), p.name).numbers(), true
	case p.kind == kEmail && v != "" && !isEmail(v):
		return report(s, "E4003", "Property `%s` requires a valid email address, was given `%s`", p.name, v).of(p.class(), p.name), true
	case p.kind == kURL && v != "" && !urlForm.MatchString(v):
		return report(s, "E4004", "Property `%s` requires a valid URL, was given `%s`", p.name, v).of(p.class(), p.name), true
	}
	return errorReport{}, false
}

// rawInt marks a whole number: a text among the arguments, a number among the
// properties.
func rawInt(f float64) string { return strings.TrimSuffix(javaDouble(f), ".0") }

// numbers turns the properties after the first into numbers.
func (e errorReport) numbers() errorReport {
	for i, p := range e.ErrorProperties {
		if s, ok := p.(string); ok && i > 0 {
			e.ErrorProperties[i] = rawJSON(s)
		}
	}
	return e
}

func isEmail(v string) bool {
	_, err := mail.ParseAddress(v)
	return err == nil && emailForm.MatchString(v)
}

// checkTranslations refuses translations that lack something or stand twice.
func (s *schema) checkTranslations(doc document) []errorReport {
	seen := map[string]bool{}
	for _, v := range listOf(doc, "translations") {
		t, _ := v.(map[string]any)
		wrong := func(code, format string, args ...any) []errorReport {
			e := report(nil, code, format, args...)
			e.MainKlass, e.ErrorKlass = "org.hisp.dhis.translation.Translation", s.className()
			return []errorReport{e}
		}
		for _, k := range []string{"locale", "property", "value"} {
			if textOf(t, k) == "" {
				return wrong("E4000", "Missing required property `%s`", k)
			}
		}
		key := textOf(t, "property") + "\x00" + textOf(t, "locale")
		if seen[key] {
			return wrong("E1106", "There are duplicate translation records for property `%s` and locale `%s` on %s `%s`", textOf(t, "property"), textOf(t, "locale"), s.simpleName(), textOf(doc, "id"))
		}
		seen[key] = true
	}
	return nil
}
