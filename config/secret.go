package config

// Secret is a value that is never printed: fmt, JSON and YAML all give "[secret]".
type Secret struct{ ref string }

// String hides the value.
func (Secret) String() string { return "[secret]" }

// GoString hides the value from %#v.
func (Secret) GoString() string { return "[secret]" }

// MarshalText hides the value from encoders.
func (Secret) MarshalText() ([]byte, error) { return []byte("[secret]"), nil }
