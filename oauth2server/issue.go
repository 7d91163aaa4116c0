package oauth2server

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/d2gate/d2gate/internal/dhis2"
)

// answer is the body of RFC 6749 5.1, in DHIS2 2.41's order.
type answer struct {
	AccessToken  string `json:"access_token"`
	TokenType    string `json:"token_type"`
	RefreshToken string `json:"refresh_token,omitempty"`
	ExpiresIn    int64  `json:"expires_in"` // seconds
	Scope        string `json:"scope"`
}

// issue mints the tokens for what a grant has proved, stores them, and answers.
// Nothing is answered that was not stored.
func (s *Server) issue(w http.ResponseWriter, r *http.Request, c Client, p proof) error {
	set, now := s.settings.Load(), s.cfg.Now()
	if p.family == "" {
		id, err := s.newUUID()
		if err != nil {
			return err
		}
		p.family = id
	}
	id, err := dhis2.NewUID(s.cfg.Rand)
	if err != nil {
		return fmt.Errorf("random: %w", err)
	}
	access := Access{ID: id, Family: p.family, ClientCID: c.CID, Owner: p.owner, Scope: p.scope, Issued: now, Expires: now.Add(set.AccessTTL)}
	body := answer{TokenType: "bearer", ExpiresIn: int64(set.AccessTTL.Seconds()), Scope: p.scope}
	if body.AccessToken, err = s.accessText(r.Context(), access, set.JWT); err != nil {
		return err
	}
	access.Hash = Hash(body.AccessToken)
	issued := Issued{Access: access}
	if c.may("refresh_token") {
		if body.RefreshToken, err = s.newUUID(); err != nil {
			return err
		}
		ends := p.ends
		if ends.IsZero() {
			ends = now.Add(set.RefreshTTL)
		}
		issued.Refresh = &Refresh{Hash: Hash(body.RefreshToken), Parent: p.rotates, Family: p.family, ClientCID: c.CID, Owner: p.owner, Scope: p.scope, Expires: ends}
	}
	if err := s.store(r, p, issued); err != nil {
		return err
	}
	writeJSON(w, r, http.StatusOK, body)
	return nil
}

func (s *Server) store(r *http.Request, p proof, issued Issued) error {
	var err error
	if p.rotates != "" {
		err = s.cfg.Store.Rotate(r.Context(), p.rotates, s.cfg.Now(), issued)
	} else {
		err = s.cfg.Store.PutIssued(r.Context(), issued)
	}
	switch {
	case errors.Is(err, ErrSpent): // another request was faster, or the family ended
		return s.reused(r.Context(), p.family, "Invalid refresh token")
	case err != nil:
		return storeGone(err)
	}
	return nil
}
