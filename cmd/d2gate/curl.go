package main

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// curlRequest is what a curl command line would send, as far as it decides.
type curlRequest struct {
	Method string
	Target string // path and query, as curl would send them
	Header http.Header
}

// curlValued are the options of curl that take a value and change nothing here.
var curlValued = map[string]bool{
	"-o": true, "--output": true, "-m": true, "--max-time": true, "--connect-timeout": true, "-w": true, "--write-out": true,
	"--cacert": true, "--cert": true, "--key": true, "--resolve": true, "-x": true, "--proxy": true, "--retry": true, "-c": true,
	"--cookie-jar": true, "-D": true, "--dump-header": true, "--limit-rate": true, "-r": true, "--range": true, "--interface": true,
}

// parseCurl reads a curl command line: -X, -H, -u, -A, -e, -b, -d and its
// relatives, -F, -G, -I, --json and the address. Files are not opened and
// variables not filled in. Its errors never hold a value of the line.
func parseCurl(line string) (curlRequest, error) {
	words, err := shellWords(line)
	if err != nil {
		return curlRequest{}, err
	}
	for len(words) > 0 && (words[0] == "$" || words[0] == "curl" || strings.HasSuffix(words[0], "/curl")) {
		words = words[1:]
	}
	c := curlLine{header: http.Header{}}
	for len(words) > 0 {
		if words, err = c.option(words); err != nil {
			return curlRequest{}, err
		}
	}
	return c.request()
}

type curlLine struct {
	method, address string
	header          http.Header
	data            []string
	body, get, head bool
}

// option reads the first word, and its value, and returns the rest.
func (c *curlLine) option(words []string) ([]string, error) {
	word, rest := words[0], words[1:]
	if !strings.HasPrefix(word, "-") || word == "-" {
		if c.address != "" {
			return nil, fmt.Errorf("curl: more than one address")
		}
		c.address = word
		return rest, nil
	}
	name, value, joined := splitOption(word)
	if !joined {
		if !c.flag(name) {
			if len(rest) == 0 {
				return nil, fmt.Errorf("curl: %s needs a value", name)
			}
			return rest[1:], c.valued(name, rest[0])
		}
		return rest, nil
	}
	return rest, c.valued(name, value)
}

// splitOption takes -XPOST and --request=POST apart. A run of flags (-sS) is one
// flag that changes nothing unless it holds I or G.
func splitOption(word string) (name, value string, joined bool) {
	if strings.HasPrefix(word, "--") {
		name, value, joined = strings.Cut(word, "=")
		return name, value, joined
	}
	if len(word) > 2 && strings.ContainsRune("XHuAebdFomwxcDr", rune(word[1])) {
		return word[:2], word[2:], true
	}
	return word, "", false
}

// flag takes an option without a value; false if name needs one.
func (c *curlLine) flag(name string) bool {
	switch name {
	case "-X", "--request", "-H", "--header", "-u", "--user", "-A", "--user-agent", "-e", "--referer", "-b", "--cookie",
		"-d", "--data", "--data-raw", "--data-binary", "--data-ascii", "--data-urlencode", "--json", "-F", "--form", "-T", "--upload-file",
		"--url", "--oauth2-bearer":
		return false
	case "-I", "--head":
		c.head = true
	case "-G", "--get":
		c.get = true
	default:
		if curlValued[name] {
			return false
		}
		if !strings.HasPrefix(name, "--") {
			c.head = c.head || strings.Contains(name, "I")
			c.get = c.get || strings.Contains(name, "G")
		}
	}
	return true
}

func (c *curlLine) valued(name, value string) error {
	switch name {
	case "-X", "--request":
		c.method = value
	case "-H", "--header":
		return c.addHeader(value)
	case "-u", "--user":
		c.header.Add("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(value)))
	case "--oauth2-bearer":
		c.header.Add("Authorization", "Bearer "+value)
	case "-A", "--user-agent":
		c.header.Set("User-Agent", value)
	case "-e", "--referer":
		c.header.Set("Referer", value)
	case "-b", "--cookie":
		c.header.Set("Cookie", value)
	case "--json":
		c.header.Set("Content-Type", "application/json")
		c.header.Set("Accept", "application/json")
		c.body, c.data = true, append(c.data, value)
	case "-d", "--data", "--data-raw", "--data-binary", "--data-ascii", "--data-urlencode":
		c.body, c.data = true, append(c.data, value)
	case "-F", "--form":
		c.body = true
	case "-T", "--upload-file":
		if c.method == "" {
			c.method = http.MethodPut
		}
	case "--url":
		c.address = value
	}
	return nil // the rest does not change what is decided
}

func (c *curlLine) addHeader(value string) error {
	name, text, ok := strings.Cut(value, ":")
	if !ok || strings.TrimSpace(name) == "" {
		return fmt.Errorf("curl: a header without a colon")
	}
	c.header.Add(strings.TrimSpace(name), strings.TrimSpace(text))
	return nil
}

// request puts the line together as curl does.
func (c *curlLine) request() (curlRequest, error) {
	if c.address == "" {
		return curlRequest{}, fmt.Errorf("curl: no address in the line")
	}
	method := c.method
	switch {
	case method != "":
	case c.head:
		method = http.MethodHead
	case c.body && !c.get:
		method = http.MethodPost
	default:
		method = http.MethodGet
	}
	target := c.target()
	if c.get && len(c.data) > 0 {
		sep := "?"
		if strings.Contains(target, "?") {
			sep = "&"
		}
		target += sep + strings.Join(c.data, "&")
	}
	return curlRequest{Method: strings.ToUpper(method), Target: target, Header: c.header}, nil
}

// target cuts scheme, host and fragment off, and leaves path and query as they
// were typed: net/url would tidy what the gateway must judge.
func (c *curlLine) target() string {
	s, _, _ := strings.Cut(c.address, "#")
	if _, rest, ok := strings.Cut(s, "://"); ok {
		s = rest
	}
	i := strings.IndexAny(s, "/?")
	if i < 0 {
		return "/"
	}
	if s = s[i:]; s[0] == '?' {
		s = "/" + s
	}
	return strings.ReplaceAll(s, " ", url.PathEscape(" "))
}
