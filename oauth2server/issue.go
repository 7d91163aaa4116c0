package oauth2server

import (
	"context"
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

// issue spends what the grant is given for, mints, stores, and answers. Nothing is
// minted that was not paid for, nothing answered that was not stored.
func (s *Server) issue(w http.ResponseWriter, r *http.Request, c Client, p proof) error {
	if p.family == "" {
		id, err := s.newUUID()
		if err != nil {
			return err
		}
		p.family = id
	}
	var body answer
	mint := func() (Issued, error) {
		issued, told, err := s.mint(r.Context(), c, p)
		body = told
		return issued, err
	}
	var err error
	switch {
	case p.spends != "":
		err = s.cfg.Store.Redeem(r.Context(), p.spends, s.cfg.Now(), mint)
	case p.rotates != "":
		err = s.cfg.Store.Rotate(r.Context(), p.rotates, s.cfg.Now(), mint)
	default:
		err = s.cfg.Store.Issue(r.Context(), mint)
	}
	switch {
	case errors.Is(err, ErrSpent) && p.spends != "": // another request was faster
		return s.reused(r.Context(), p.family, "Invalid authorization code")
	case errors.Is(err, ErrSpent) && p.rotates != "": // so was a twin of this one
		return s.issueTwin(w, r, c, p)
	case errors.Is(err, ErrSpent): // the family has ended
		return s.reused(r.Context(), p.family, "Invalid refresh token")
	case err != nil:
		return storeGone(err)
	}
	writeJSON(w, r, http.StatusOK, body)
	return nil
}

// issueTwin is for the loser of two refreshes with one parent at once: it is judged
// like a request that came after the winner's.
func (s *Server) issueTwin(w http.ResponseWriter, r *http.Request, c Client, p proof) error {
	stored, spent, err := s.cfg.Store.RefreshByHash(r.Context(), p.rotates)
	switch {
	case errors.Is(err, ErrUnknown):
		return s.reused(r.Context(), p.family, "Invalid refresh token")
	case err != nil:
		return storeGone(err)
	}
	forgiven := false
	if !spent.IsZero() {
		// The winner's clock, another replica's, may be a little later than ours.
		forgiven, err = s.forgiven(r.Context(), stored.Hash, max(s.cfg.Now().Sub(spent), 0))
	}
	switch {
	case err != nil:
		return storeGone(err)
	case !forgiven:
		return s.reused(r.Context(), p.family, "Invalid refresh token")
	}
	p.rotates = ""
	return s.issue(w, r, c, p)
}

// mint makes the tokens, as stored and as told.
func (s *Server) mint(ctx context.Context, c Client, p proof) (Issued, answer, error) {
	set, now := s.settings.Load(), s.cfg.Now()
	id, err := dhis2.NewUID(s.cfg.Rand)
	if err != nil {
		return Issued{}, answer{}, fmt.Errorf("random: %w", err)
	}
	access := Access{ID: id, Family: p.family, ClientCID: c.CID, Owner: p.owner, Scope: p.scope, Issued: now, Expires: now.Add(set.AccessTTL)}
	body := answer{TokenType: "bearer", ExpiresIn: int64(set.AccessTTL.Seconds()), Scope: p.scope}
	if body.AccessToken, err = s.accessText(ctx, access, set.JWT); err != nil {
		return Issued{}, answer{}, err
	}
	access.Hash = Hash(body.AccessToken)
	issued := Issued{Access: access}
	if !c.may("refresh_token") {
		return issued, body, nil
	}
	if body.RefreshToken, err = s.newUUID(); err != nil {
		return Issued{}, answer{}, err
	}
	ends := p.ends
	if ends.IsZero() {
		ends = now.Add(set.RefreshTTL)
	}
	issued.Refresh = &Refresh{Hash: Hash(body.RefreshToken), Parent: p.parent, Family: p.family, ClientCID: c.CID, Owner: p.owner, Scope: p.scope, Expires: ends}
	return issued, body, nil
}
