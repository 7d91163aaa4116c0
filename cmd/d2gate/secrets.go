package main

import (
	"crypto/sha256"
	"fmt"

	"github.com/d2gate/d2gate/config"
)

// secretDigest is a hash over what the secrets of the upstream identities resolve
// to, so that a reload notices a password file with new contents.
func secretDigest(cfg *config.Config) ([sha256.Size]byte, error) {
	h := sha256.New()
	list := everyIdentity(cfg)
	if as := cfg.Users.State.AsIdentity; as != nil {
		list = append(list, *as)
	}
	for _, i := range list {
		for _, s := range []config.Secret{i.Password, i.SigningKey} {
			if s.IsZero() {
				continue
			}
			text, err := s.Resolve()
			if err != nil {
				return [sha256.Size]byte{}, fmt.Errorf("upstream identity %s: %w", nameOf(i), err)
			}
			fmt.Fprintf(h, "%d:%s", len(text), text)
		}
	}
	return [sha256.Size]byte(h.Sum(nil)), nil
}
