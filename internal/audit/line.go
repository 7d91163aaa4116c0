package audit

import (
	"strconv"
	"time"
	"unicode/utf8"
)

// timeLayout is RFC 3339 in UTC with milliseconds, always of the same width.
const timeLayout = "2006-01-02T15:04:05.000Z"

// AppendLine appends e as one JSON object and a line feed. The keys are those of
// the design (section 3.5), all of them in every line, and compat where it is
// set. durationMs has three decimals. No text can break out of its line: see
// appendString.
func AppendLine(b []byte, e *Event) []byte {
	b = append(b, `{"time":"`...)
	b = e.Time.UTC().AppendFormat(b, timeLayout)
	b = append(b, '"')
	b = appendMember(b, "requestId", e.RequestID)
	b = appendMember(b, "client", e.Client)
	b = appendMember(b, "token", e.Token)
	b = appendMember(b, "user", e.User)
	b = appendMember(b, "method", e.Method)
	b = appendMember(b, "path", e.Path)
	b = appendMember(b, "route", e.Route)
	b = appendMember(b, "decision", e.Decision)
	b = appendMember(b, "reason", e.Reason)
	b = appendList(b, "failed", e.Failed)
	if len(e.Compat) > 0 {
		b = appendList(b, "compat", e.Compat)
	}
	b = append(b, `,"upstreamStatus":`...)
	b = strconv.AppendInt(b, int64(e.UpstreamStatus), 10)
	b = append(b, `,"durationMs":`...)
	b = appendMillis(b, e.Duration)
	return append(b, '}', '\n')
}

func appendMember(b []byte, key, value string) []byte {
	b = append(b, ',', '"')
	b = append(b, key...)
	b = append(b, '"', ':')
	return appendString(b, value)
}

func appendList(b []byte, key string, values []string) []byte {
	b = append(b, ',', '"')
	b = append(b, key...)
	b = append(b, '"', ':', '[')
	for i, v := range values {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendString(b, v)
	}
	return append(b, ']')
}

func appendMillis(b []byte, d time.Duration) []byte {
	micros := max(d, 0).Microseconds()
	b = strconv.AppendInt(b, micros/1000, 10)
	rest := micros % 1000
	return append(b, '.', byte('0'+rest/100), byte('0'+rest/10%10), byte('0'+rest%10))
}

const hexDigits = "0123456789abcdef"

// appendString appends s as a JSON string that is safe to show on a terminal:
// quotes, backslashes and every control character (C0, DEL, C1, the Unicode line
// separators and the marks that turn the direction of text) are escaped, broken
// UTF-8 becomes U+FFFD. (net/textproto CVE-2026-42507: logs are escaped.)
func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= 0x20 && c < 0x7f && c != '"' && c != '\\' {
			i++
			continue
		}
		if c < utf8.RuneSelf {
			b = append(b, s[start:i]...)
			b = appendEscaped(b, c)
			i++
			start = i
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && size == 1 || hidden(r) {
			b = append(b, s[start:i]...)
			b = append(b, '\\', 'u', hexDigits[r>>12&15], hexDigits[r>>8&15], hexDigits[r>>4&15], hexDigits[r&15])
			start = i + size
		}
		i += size
	}
	b = append(b, s[start:]...)
	return append(b, '"')
}

func appendEscaped(b []byte, c byte) []byte {
	if c == '"' || c == '\\' {
		return append(b, '\\', c)
	}
	return append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
}

// hidden reports characters beyond ASCII that act on a terminal or an editor
// instead of showing.
func hidden(r rune) bool {
	switch {
	case r >= 0x80 && r < 0xa0, r == 0x2028, r == 0x2029, r == 0xfeff:
		return true
	case r >= 0x200e && r <= 0x200f, r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069:
		return true
	}
	return false
}
