package config

import (
	"regexp"
	"slices"
	"strings"
)

var (
	userinfo = regexp.MustCompile(`(://)([^/@\s"']+)(@)`)
	argument = regexp.MustCompile(`(?i)([?&][\w-]*(?:pass|secret|token|key)[\w-]*=)([^&\s"']+)`)
	token    = regexp.MustCompile(`\b(d2p(?:at)?_)(\w+)`)

	reference = regexp.MustCompile(`^["']?(file|env|cred):\S`)

	// secretNames are the keys whose value is a secret.
	secretNames = []string{"password", "client_secret", "secret", "webhook", "signing_key"}
	// plainNames only look like them.
	plainNames = []string{"password_grant", "refresh_token", "access_token", "expired_tokens", "bad_token", "tokens", "credentials", "credential", "key_file", "public_url", "passthrough"}
)

// masked gives the lines of a file as they may be shown: what is or may be a
// secret is starred, column by column, also where the value stands on the lines
// after its key. A key that is misspelt is taken for what it was probably meant
// to be, and too much is hidden rather than too little.
func masked(lines []string) []string {
	out := make([]string, len(lines))
	indent, next, quote := -1, false, byte(0) // of the secret's key; the value is on the next line; inside quotes
	for i, line := range lines {
		trimmed := strings.TrimSpace(line)
		depth := len(line) - len(strings.TrimLeft(line, " "))
		inside := next || quote != 0 || indent >= 0 && depth > indent
		if inside && trimmed != "" {
			out[i] = stars(line, depth)
			next = false
			if quote != 0 && strings.IndexByte(line, quote) >= 0 {
				quote = 0
			}
			if indent >= 0 && depth <= indent {
				indent = -1
			}
			continue
		}
		if trimmed == "" {
			out[i] = line
			continue
		}
		indent = -1
		var open bool
		out[i], open, quote = maskLine(line)
		if open {
			indent, next = depth, quote == 0 && !strings.HasSuffix(trimmed, "}")
		}
	}
	return out
}

// maskLine stars the secrets of one line. Open says that the value goes on, or
// may go on, in the lines below; quote is the quotation mark that is still open.
func maskLine(line string) (shown string, open bool, quote byte) {
	for at := 0; ; {
		i := strings.IndexByte(line[at:], ':')
		if i < 0 {
			break
		}
		colon := at + i
		at = colon + 1
		if !endsKey(line, colon) || !holdsSecret(keyBefore(line[:colon])) {
			continue
		}
		value := strings.TrimLeft(line[at:], " \t")
		start := len(line) - len(value)
		switch {
		case reference.MatchString(value):
		case value == "" || value[0] == '#':
			open = true
		case value[0] == '"' || value[0] == '\'':
			end := strings.IndexByte(value[1:], value[0])
			if end < 0 {
				return hideInside(stars(line, start)), true, value[0]
			}
			line = line[:start] + stars(value[:end+2], 0) + value[end+2:]
			at = start + len(stars(value[:end+2], 0))
		default:
			return hideInside(stars(line, start)), true, 0
		}
	}
	if name, ok := strings.CutPrefix(strings.TrimSpace(line), "? "); ok && holdsSecret(keyBefore(name)) {
		open = true
	}
	return hideInside(line), open, 0
}

// endsKey reports whether the colon ends a key: a blank, the end of the line or,
// after a quoted key, anything may follow.
func endsKey(line string, colon int) bool {
	if colon+1 == len(line) || strings.ContainsRune(" \t\"'[{", rune(line[colon+1])) {
		return true
	}
	return colon > 0 && (line[colon-1] == '"' || line[colon-1] == '\'')
}

// keyBefore gives the key that ends a text, in lower case and without quotes.
func keyBefore(s string) string {
	if i := strings.LastIndexAny(s, "{,["); i >= 0 {
		s = s[i+1:]
	}
	return strings.ToLower(strings.Trim(s, " \t-?\"'"))
}

func holdsSecret(key string) bool {
	if slices.Contains(plainNames, key) {
		return false
	}
	key = strings.NewReplacer(" ", "", ".", "").Replace(key)
	for _, part := range []string{"pass", "secret", "pwd", "webhook", "signing"} {
		if strings.Contains(key, part) {
			return true
		}
	}
	return suggest(key, secretNames) != ""
}

// stars hides everything from a byte offset on, but for blanks at the end.
func stars(s string, from int) string {
	rest := strings.TrimRight(s[from:], " \t\r")
	return s[:from] + strings.Repeat("*", len([]rune(rest))) + s[from+len(rest):]
}

// hideInside hides secrets inside values and messages: the user of an address,
// arguments that sound like secrets, d2gate's own tokens.
func hideInside(s string) string {
	for _, re := range []*regexp.Regexp{userinfo, argument, token} {
		s = re.ReplaceAllStringFunc(s, func(m string) string {
			parts := re.FindStringSubmatch(m)
			return parts[1] + strings.Repeat("*", len([]rune(parts[2]))) + strings.Join(parts[3:], "")
		})
	}
	return s
}
