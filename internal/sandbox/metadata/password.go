package metadata

import (
	"crypto/sha256"
	"fmt"

	"golang.org/x/crypto/bcrypt"
)

// passwordCost is bcrypt's cost: a sandbox signs in on each request of Basic.
const passwordCost = 6

// CheckPassword reports whether the password is the user's. What bcrypt has once
// found right is remembered by its hash, so that Basic on every request is cheap.
func (s *Service) CheckPassword(u *User, password string) bool {
	if u == nil || u.passwordHash == "" || len(password) > 72 {
		return false
	}
	key := sha256.Sum256([]byte(u.passwordHash + "\x00" + password))
	if _, ok := s.verified.Get(key); ok {
		return true
	}
	if bcrypt.CompareHashAndPassword([]byte(u.passwordHash), []byte(password)) != nil {
		return false
	}
	s.verified.Add(key, struct{}{})
	return true
}

// hashPassword returns bcrypt's text of a password of at most 72 bytes.
func hashPassword(password string) (string, error) {
	h, err := bcrypt.GenerateFromPassword([]byte(password), passwordCost)
	if err != nil {
		return "", fmt.Errorf("hash password: %w", err)
	}
	return string(h), nil
}

// hashMatches reports whether a hash is the password's.
func hashMatches(hash, password string) bool {
	return hash != "" && len(password) <= 72 && bcrypt.CompareHashAndPassword([]byte(hash), []byte(password)) == nil
}
