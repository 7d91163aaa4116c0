package datastore

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
)

func (s *Service) remove(ctx context.Context, id int64) error {
	if _, err := s.db.ExecContext(ctx, `DELETE FROM ds_entry WHERE id = ?`, id); err != nil {
		return fmt.Errorf("delete entry: %w", err)
	}
	return nil
}

// Delete removes an entry. Errors: 404, 403.
func (s *Service) Delete(ctx context.Context, a Actor, ns, key string) (Result, error) {
	done := Result{http.StatusOK, s.words.deleted(ns, key)}
	switch s.writing(a, ns) {
	case Restricted:
		return Result{}, s.words.protected(ns)
	case Hidden:
		return Result{}, s.words.noKey(ns, key)
	}
	s.changing.Lock()
	defer s.changing.Unlock()
	old, err := s.readable(ctx, a, ns, key)
	switch {
	case err != nil:
		return Result{}, err
	case old == nil:
		return Result{}, s.words.noKey(ns, key)
	case !old.sharing.CanWrite(a):
		return Result{}, s.words.unwritable(ns, key)
	}
	return done, s.remove(ctx, old.id)
}

// DeleteNamespace removes all entries of a namespace, or none when one of them may
// not be changed. Errors: 404, 403.
func (s *Service) DeleteNamespace(ctx context.Context, a Actor, ns string) (Result, error) {
	switch s.writing(a, ns) {
	case Restricted:
		return Result{}, s.words.protected(ns)
	case Hidden:
		return Result{}, s.words.noNamespace(ns)
	}
	s.changing.Lock()
	defer s.changing.Unlock()
	found := false
	err := s.each(ctx, "", ns, false, func(r *row) (bool, error) {
		found = true
		if !r.sharing.CanWrite(a) {
			return false, s.words.unwritable(ns, r.key)
		}
		return true, nil
	})
	if err == nil && !found {
		err = s.words.noNamespace(ns)
	}
	if err != nil {
		return Result{}, err
	}
	return Result{http.StatusOK, s.words.namespaceDeleted(ns)}, s.empty(ctx, "", ns)
}

func (s *Service) empty(ctx context.Context, owner, ns string) error {
	if _, err := s.db.ExecContext(ctx, `DELETE FROM ds_entry WHERE owner = ? AND namespace = ?`, owner, ns); err != nil {
		return fmt.Errorf("delete namespace: %w", err)
	}
	return nil
}

// Purge removes all entries of a namespace, whoever owns them: of an app that is
// removed with its data.
func (s *Service) Purge(ctx context.Context, ns string) error {
	s.changing.Lock()
	defer s.changing.Unlock()
	return s.empty(ctx, "", ns)
}

// Share replaces the sharing of an entry.
func (s *Service) Share(ctx context.Context, uid string, to Sharing) error {
	s.changing.Lock()
	defer s.changing.Unlock()
	b, err := json.Marshal(to)
	if err != nil {
		return fmt.Errorf("encode sharing: %w", err)
	}
	if _, err := s.db.ExecContext(ctx, `UPDATE ds_entry SET sharing = ? WHERE uid = ?`, string(b), uid); err != nil {
		return fmt.Errorf("share entry: %w", err)
	}
	return nil
}
