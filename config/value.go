package config

import (
	"fmt"
	"net"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// scalar makes a field whose text is read by parse.
func scalar(name, typ, about string, parse func(d *decoder, s string) error) field {
	return field{name: name, typ: typ, about: about, read: func(d *decoder, n ast.Node) {
		s, ok := d.text(n)
		if !ok {
			return
		}
		if err := parse(d, s); err != nil {
			d.complain(n, "%s: %v", d.key(), err)
		}
	}}
}

func str(name, about string, to *string) field {
	return scalar(name, "string", about, func(_ *decoder, s string) error {
		if s == "" || strings.ContainsAny(s, "\x00\r\n") {
			return fmt.Errorf("must be a text on one line")
		}
		*to = s
		return nil
	})
}

// oneOf takes one of a few words.
func oneOf(name, about string, to *string, words ...string) field {
	f := scalar(name, "string", about, func(_ *decoder, s string) error {
		if err := among(s, words); err != nil {
			return err
		}
		*to = s
		return nil
	})
	f.enum = words
	return f
}

func among(s string, words []string) error {
	if slices.Contains(words, s) {
		return nil
	}
	hint := ""
	if near := suggest(s, words); near != "" {
		hint = fmt.Sprintf("; did you mean %q?", near)
	}
	return fmt.Errorf("%q is none of %s%s", s, strings.Join(words, ", "), hint)
}

func boolean(name, about string, to *bool) field {
	return scalar(name, "boolean", about, func(_ *decoder, s string) error {
		if s != "true" && s != "false" {
			return fmt.Errorf("must be true or false")
		}
		*to = s == "true"
		return nil
	})
}

func integer(name, about string, to *int, lowest, highest int) field {
	return scalar(name, "integer", about, func(_ *decoder, s string) error {
		n, err := strconv.Atoi(s)
		if err == nil && n >= lowest && n <= highest {
			*to = n
			return nil
		}
		if lowest == highest {
			return fmt.Errorf("must be %d", lowest)
		}
		return fmt.Errorf("must be a whole number from %d to %d", lowest, highest)
	})
}

// address takes host:port.
func address(name, about string, to *string) field {
	return scalar(name, "string", about, func(_ *decoder, s string) error {
		host, port, err := net.SplitHostPort(s)
		n, portErr := strconv.Atoi(port)
		if err != nil || portErr != nil || n < 0 || n > 65535 || strings.ContainsAny(host, "/ ") {
			return fmt.Errorf("%q is no listen address: write 127.0.0.1:8080", s)
		}
		*to = s
		return nil
	})
}

func httpURL(name, about string, to **url.URL) field {
	return scalar(name, "string", about, func(_ *decoder, s string) error {
		u, err := parseHTTPURL(s)
		if err == nil {
			*to = u
		}
		return err
	})
}

func parseHTTPURL(s string) (*url.URL, error) {
	u, err := url.Parse(s)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		return nil, fmt.Errorf("must be an address that begins with http:// or https://")
	case u.User != nil:
		return nil, fmt.Errorf("must not hold a user name or password")
	case u.RawQuery != "" || u.ForceQuery || strings.Contains(s, "#"):
		return nil, fmt.Errorf("must have neither query nor fragment")
	case strings.Contains(u.EscapedPath(), "%") || strings.Contains(u.Path, "//") || strings.Contains(u.Path, ".."):
		return nil, fmt.Errorf("has a path that cannot be matched plainly")
	}
	u.Path = strings.TrimSuffix(u.Path, "/")
	u.RawPath = ""
	return u, nil
}

// urlText is httpURL kept as text.
func urlText(name, about string, to *string) field {
	return scalar(name, "string", about, func(_ *decoder, s string) error {
		if _, err := parseHTTPURL(s); err != nil {
			return err
		}
		*to = s
		return nil
	})
}

// file takes a path; a relative one counts from the folder of the file.
func file(name, about string, to *string) field {
	return scalar(name, "string", about, func(d *decoder, s string) error {
		if s == "" || strings.ContainsRune(s, 0) {
			return fmt.Errorf("must be a path")
		}
		*to = d.abs(s)
		return nil
	})
}

func (d *decoder) abs(path string) string {
	if filepath.IsAbs(path) || d.dir == "" {
		return path
	}
	return filepath.Join(d.dir, path)
}
