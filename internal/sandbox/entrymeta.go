package sandbox

import (
	"errors"

	"github.com/d2gate/d2gate/internal/sandbox/datastore"
	"github.com/d2gate/d2gate/internal/sandbox/metadata"
	"github.com/d2gate/d2gate/internal/sandbox/problem"
)

// userRef is how DHIS2 refers to a user.
type userRef struct {
	ID          string  `json:"id"`
	Code        *string `json:"code"`
	Name        string  `json:"name"`
	DisplayName string  `json:"displayName"`
	Username    string  `json:"username"`
}

type accessBits struct {
	Manage bool `json:"manage"`
	Write  bool `json:"write"`
	Read   bool `json:"read"`
	Update bool `json:"update"`
	Delete bool `json:"delete"`
}

// metaData is GET /{ns}/{key}/metaData: the entry without its value.
type metaData struct {
	Created         string            `json:"created"`
	LastUpdated     string            `json:"lastUpdated"`
	Translations    []any             `json:"translations"`
	CreatedBy       *userRef          `json:"createdBy,omitempty"`
	LastUpdatedBy   *userRef          `json:"lastUpdatedBy,omitempty"`
	Favorites       *[]any            `json:"favorites,omitempty"`
	Sharing         datastore.Sharing `json:"sharing"`
	Namespace       string            `json:"namespace"`
	Key             string            `json:"key"`
	Access          *accessBits       `json:"access,omitempty"`
	User            *userRef          `json:"user,omitempty"`
	ID              string            `json:"id"`
	AttributeValues []any             `json:"attributeValues"`
	Favorite        *bool             `json:"favorite,omitempty"`
}

func (c *call) readMetaData() error {
	e, err := c.store.MetaData(c.r.Context(), c.actor(), c.params[0], c.params[1])
	if err != nil {
		return err
	}
	creator, err := c.ref(e.CreatedBy)
	if err != nil {
		return err
	}
	changer, err := c.ref(e.UpdatedBy)
	if err != nil {
		return err
	}
	write := e.Sharing.CanWrite(c.actor())
	m := metaData{
		Created: stampOf(e.Created), LastUpdated: stampOf(e.Updated), Translations: []any{}, CreatedBy: creator, LastUpdatedBy: changer, Sharing: e.Sharing,
		Namespace: e.Namespace, Key: e.Key, Access: &accessBits{write, write, true, write, write}, User: creator, ID: e.UID, AttributeValues: []any{},
	}
	if c.dialect.minor <= 41 {
		none, no := []any{}, false
		m.Favorites, m.Favorite = &none, &no
	}
	return c.taggedJSON(m)
}

// ref names a user; nil when the user is gone.
func (c *call) ref(uid string) (*userRef, error) {
	u, err := c.meta.UserByUID(c.r.Context(), uid)
	if errors.Is(err, metadata.ErrNoUser) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	r := &userRef{ID: u.UID, Name: u.Name(), DisplayName: u.Name(), Username: u.Username}
	if u.Username == "admin" {
		code := "admin"
		r.Code = &code
	}
	return r, nil
}

// missingValue is the refusal of a POST without a body.
func missingValue(method string) error {
	return problem.BadRequest("Required request body is missing: public org.hisp.dhis.dxf2.webmessage.WebMessage org.hisp.dhis.webapi.controller.%s throws org.hisp.dhis.feedback.NotFoundException,org.hisp.dhis.feedback.ConflictException,org.hisp.dhis.feedback.BadRequestException", method)
}
