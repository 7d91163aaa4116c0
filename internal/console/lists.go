package console

import (
	"errors"
	"slices"
	"time"

	"github.com/d2gate/d2gate/internal/fault"
	"github.com/d2gate/d2gate/pat"
)

func isOwn(err error) bool { return errors.Is(err, pat.ErrUnknown) || errors.Is(err, pat.ErrForbidden) }

// shownRefusals is how many refusals of a token are shown.
const shownRefusals = 20

// refusalsPage answers why a token was refused.
type refusalsPage struct {
	Row  tokenRow
	List []refusalRow
}

type refusalRow struct {
	Refusal
	Message string // told to the caller
	Means   string
	ToDo    string
}

func (v *visit) refusalsPage(p person) error {
	r, err := v.c.cfg.Tokens.Find(v.r.Context(), p.caller, v.r.PathValue("uid"))
	if err != nil {
		return err
	}
	page := refusalsPage{Row: v.row(r, p, v.c.cfg.Now())}
	if v.c.cfg.Refusals != nil {
		list, err := v.c.cfg.Refusals.Refusals(v.r.Context(), r.UID, shownRefusals)
		if err != nil {
			return err
		}
		for _, one := range list {
			page.List = append(page.List, explained(one))
		}
	}
	return v.show(view{name: "refusals", title: "refusals_title", here: "tokens", user: &p.user, data: page})
}

// explained adds the words of the help page.
func explained(r Refusal) refusalRow {
	reason := fault.Reason(r.Reason)
	row := refusalRow{Refusal: r}
	row.Failed = slices.DeleteFunc(slices.Clone(r.Failed), func(s string) bool { return s == r.Reason })
	if reason.Known() {
		row.Message = reason.Message()
		row.Means, row.ToDo = reason.Help()
	}
	return row
}

// clientsPage lists the OAuth2 clients for an administrator, without secrets.
type clientsPage struct{ Clients []clientRow }

// clientRow is what is shown of a client; nothing of its secret is.
type clientRow struct {
	Name, CID    string
	Public       bool
	GrantTypes   []string
	RedirectURIs []string
	Created      time.Time
	CreatedBy    string
}

func (v *visit) clientsPage(p person) error {
	if !p.caller.Admin {
		return errForbidden
	}
	list, err := v.c.cfg.Clients.Clients(v.r.Context())
	if err != nil {
		return err
	}
	page := clientsPage{}
	for _, c := range list {
		page.Clients = append(page.Clients, clientRow{c.Name, c.CID, c.Public(), c.GrantTypes, c.RedirectURIs, c.Created, c.CreatedBy.Username})
	}
	return v.show(view{name: "clients", title: "clients_title", here: "clients", user: &p.user, data: page})
}
