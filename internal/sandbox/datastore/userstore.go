package datastore

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"
)

// UserNamespaces lists the namespaces of one user's own store.
func (s *Service) UserNamespaces(ctx context.Context, owner string) ([]string, error) {
	return s.names(ctx, `SELECT DISTINCT namespace FROM ds_entry WHERE owner = ? ORDER BY namespace`, owner)
}

// UserKeys lists the keys of a namespace of one user. Error: 404.
func (s *Service) UserKeys(ctx context.Context, owner, ns string, since time.Time) ([]string, error) {
	keys, found := []string{}, false
	err := s.each(ctx, owner, ns, false, func(r *row) (bool, error) {
		found = true
		if !r.updated.Before(since) {
			keys = append(keys, r.key)
		}
		return true, nil
	})
	if err == nil && !found {
		err = s.words.noNamespace(ns)
	}
	return keys, err
}

// UserEntries runs a query over a namespace of one user.
func (s *Service) UserEntries(ctx context.Context, owner, ns string, q Query, w io.Writer) error {
	run := scan{Service: s, owner: owner, ns: ns, q: q, visible: func(*row) bool { return true }}
	return run.run(ctx, w)
}

// UserValue is Value of one user's store.
func (s *Service) UserValue(ctx context.Context, owner, ns, key string) (string, bool, error) {
	r, err := s.row(ctx, owner, ns, key)
	if err == nil && r == nil {
		err = s.words.noKey(ns, key)
	}
	if err != nil {
		return "", false, err
	}
	return r.value.String, r.value.Valid, nil
}

// UserCreate is Create in one user's store.
func (s *Service) UserCreate(ctx context.Context, owner, ns, key, body string, encrypt bool) (Result, error) {
	s.changing.Lock()
	defer s.changing.Unlock()
	old, err := s.row(ctx, owner, ns, key)
	if err == nil && old != nil {
		err = s.words.duplicate(ns, key)
	}
	if err != nil {
		return Result{}, err
	}
	return Result{http.StatusCreated, s.words.userCreated(ns, key)}, s.insert(ctx, owner, Actor{UID: owner}, ns, key, body, encrypt)
}

// UserPut is Put in one user's store.
func (s *Service) UserPut(ctx context.Context, owner, ns, key string, u Update) (Result, error) {
	s.changing.Lock()
	defer s.changing.Unlock()
	old, err := s.row(ctx, owner, ns, key)
	if err != nil {
		return Result{}, err
	}
	if old == nil {
		if s.words.minor <= 37 {
			return Result{}, s.words.noKey(ns, key)
		}
		return Result{http.StatusCreated, s.words.userCreated(ns, key)}, s.insert(ctx, owner, Actor{UID: owner}, ns, key, u.Body, u.Encrypt)
	}
	status, message := s.words.userUpdated(ns, key)
	return Result{status, message}, s.update(ctx, old, key, u)
}

// UserDelete is Delete in one user's store.
func (s *Service) UserDelete(ctx context.Context, owner, ns, key string) (Result, error) {
	s.changing.Lock()
	defer s.changing.Unlock()
	old, err := s.row(ctx, owner, ns, key)
	if err == nil && old == nil {
		err = s.words.noKey(ns, key)
	}
	if err != nil {
		return Result{}, err
	}
	return Result{http.StatusOK, s.words.userDeleted(ns, key)}, s.remove(ctx, old.id)
}

// UserDeleteNamespace is DeleteNamespace in one user's store.
func (s *Service) UserDeleteNamespace(ctx context.Context, owner, ns string) (Result, error) {
	s.changing.Lock()
	defer s.changing.Unlock()
	if r, err := s.one(ctx, `owner = ? AND namespace = ? LIMIT 1`, owner, ns); err != nil {
		return Result{}, err
	} else if r == nil {
		return Result{}, s.words.noNamespace(ns)
	}
	return Result{http.StatusOK, s.words.userNamespaceDeleted(ns)}, s.empty(ctx, owner, ns)
}

// ForgetOwner removes all that a user kept. An empty uid removes nothing.
func (s *Service) ForgetOwner(ctx context.Context, owner string) error {
	if owner == "" {
		return nil
	}
	s.changing.Lock()
	defer s.changing.Unlock()
	if _, err := s.db.ExecContext(ctx, `DELETE FROM ds_entry WHERE owner = ?`, owner); err != nil {
		return fmt.Errorf("delete entries of a user: %w", err)
	}
	return nil
}
