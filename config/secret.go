package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Secret is a reference to a value that never stands in the file: file:PATH,
// env:NAME, or cred:NAME (a systemd credential). Neither the reference's value nor
// anything of it is ever printed.
type Secret struct {
	ref string
	dir string // folder that a relative file: counts from
}

// IsZero reports whether no secret was named.
func (s Secret) IsZero() bool { return s.ref == "" }

// Ref is the reference as written, which is no secret: "env:NAME".
func (s Secret) Ref() string { return s.ref }

// String hides the value.
func (Secret) String() string { return "[secret]" }

// GoString hides the value from %#v.
func (Secret) GoString() string { return "[secret]" }

// MarshalText hides the value from encoders.
func (Secret) MarshalText() ([]byte, error) { return []byte("[secret]"), nil }

// parseSecret reads a reference. A literal is an error that does not repeat it.
func parseSecret(s, dir string) (Secret, error) {
	kind, name, ok := strings.Cut(s, ":")
	switch {
	case ok && kind == "file" && name != "":
	case ok && kind == "env" && name != "" && !strings.ContainsAny(name, "= \x00"):
	case ok && kind == "cred" && name != "" && name == filepath.Base(name):
	default:
		return Secret{}, errors.New("a secret must not stand in the file: write file:PATH, env:NAME or cred:NAME")
	}
	return Secret{s, dir}, nil
}

// maxSecret is the largest secret that is read, in bytes.
const maxSecret = 64 << 10

// Resolve reads the value: the file without its last line break, the environment
// variable, or the file of that name in $CREDENTIALS_DIRECTORY. Its errors name
// the reference and never the value.
func (s Secret) Resolve() (string, error) {
	kind, name, _ := strings.Cut(s.ref, ":")
	switch kind {
	case "env":
		v, ok := os.LookupEnv(name)
		if !ok || v == "" {
			return "", fmt.Errorf("%s: the environment variable is not set", s.ref)
		}
		return v, nil
	case "cred":
		dir := os.Getenv("CREDENTIALS_DIRECTORY")
		if dir == "" {
			return "", fmt.Errorf("%s: $CREDENTIALS_DIRECTORY is not set (LoadCredential= in the systemd unit sets it)", s.ref)
		}
		return readSecret(s.ref, filepath.Join(dir, name))
	case "file":
		if !filepath.IsAbs(name) {
			name = filepath.Join(s.dir, name)
		}
		return readSecret(s.ref, name)
	}
	return "", errors.New("there is no secret to resolve")
}

// Path is the file behind a file: or cred: reference; ok is false for others.
func (s Secret) Path() (path string, ok bool) {
	kind, name, _ := strings.Cut(s.ref, ":")
	switch kind {
	case "file":
		if !filepath.IsAbs(name) {
			name = filepath.Join(s.dir, name)
		}
		return name, true
	case "cred":
		return filepath.Join(os.Getenv("CREDENTIALS_DIRECTORY"), name), true
	}
	return "", false
}

func readSecret(ref, path string) (string, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("%s: %w", ref, err)
	}
	if len(b) > maxSecret {
		return "", fmt.Errorf("%s: larger than %d bytes", ref, maxSecret)
	}
	v := strings.TrimSuffix(strings.TrimSuffix(string(b), "\n"), "\r")
	if v == "" {
		return "", fmt.Errorf("%s: the file is empty", ref)
	}
	return v, nil
}

func secret(name, about string, to *Secret) field {
	return scalar(name, "string", about, func(d *decoder, s string) (err error) { *to, err = parseSecret(s, d.dir); return err })
}

// Resolve gives the driver ("sqlite" or "postgres") and the location: the path of
// the file, or the connection URL, which may hold a password.
func (u StoreURL) Resolve() (driver, location string, err error) {
	if u.Ref.IsZero() {
		return u.Driver, u.Path, nil
	}
	v, err := u.Ref.Resolve()
	if err != nil {
		return "", "", fmt.Errorf("store.url: %w", err)
	}
	driver, location, err = parseStoreURL(v, u.Ref.dir)
	if err != nil {
		return "", "", fmt.Errorf("store.url (%s): %w", u.Ref.ref, err)
	}
	return driver, location, nil
}

// parseStoreURL reads sqlite:PATH or postgres://…; its errors repeat nothing.
func parseStoreURL(s, dir string) (driver, location string, err error) {
	switch {
	case strings.HasPrefix(s, "sqlite:") && len(s) > len("sqlite:"):
		path := strings.TrimPrefix(s, "sqlite:")
		if !filepath.IsAbs(path) && dir != "" {
			path = filepath.Join(dir, path)
		}
		return "sqlite", path, nil
	case strings.HasPrefix(s, "postgres://"), strings.HasPrefix(s, "postgresql://"):
		return "postgres", s, nil
	}
	return "", "", errors.New("must be sqlite:PATH, postgres://…, or env:NAME, file:PATH, cred:NAME for either")
}

func storeURL(name, about string, to *StoreURL) field {
	return scalar(name, "string", about, func(d *decoder, s string) error {
		if ref, err := parseSecret(s, d.dir); err == nil {
			*to = StoreURL{Ref: ref}
			return nil
		}
		driver, location, err := parseStoreURL(s, d.dir)
		if err != nil {
			return err
		}
		if driver == "postgres" && hasPassword(s) {
			return errors.New("a secret must not stand in the file: put the whole URL behind env:NAME, file:PATH or cred:NAME")
		}
		*to = StoreURL{Driver: driver, Path: location}
		return nil
	})
}

func hasPassword(s string) bool {
	before, _, ok := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(s, "postgresql://"), "postgres://"), "@")
	return ok && strings.Contains(before, ":") || strings.Contains(s, "password=")
}
