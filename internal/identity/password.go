package identity

// Password is a resolved secret. It cannot be printed.
type Password struct{ text string }

// NewPassword wraps a secret's text.
func NewPassword(text string) Password { return Password{text} }

// String hides the password.
func (Password) String() string { return "[secret]" }

// GoString hides the password from %#v.
func (Password) GoString() string { return "[secret]" }

// MarshalText hides the password from encoders.
func (Password) MarshalText() ([]byte, error) { return []byte("[secret]"), nil }
