package metadata

import (
	"net/http"
	"strings"
)

// actions lists what the verbs of the path do, nil if there is no such path.
func (c *request) actions() (actions, error) {
	if c.typ == nil {
		return c.otherActions()
	}
	switch len(c.seg) {
	case 1:
		return c.listActions(), nil
	case 2:
		return c.secondActions()
	case 3:
		return c.thirdActions()
	case 4:
		return c.fourthActions()
	}
	return nil, nil
}

func (c *request) listActions() actions {
	return actions{http.MethodGet: c.list, http.MethodPost: c.json(c.create)}
}

// secondActions are those of /type/uid, and of the few names that stand there.
func (c *request) secondActions() (actions, error) {
	switch name := c.seg[1]; {
	case name == "gist":
		return actions{http.MethodGet: c.gistList}, nil
	case name == "sharing":
		return actions{http.MethodPatch: c.json(c.bulkSharing)}, nil
	case name == "schema":
		return actions{http.MethodGet: c.json(c.schemaOfType)}, nil
	case c.typ.singular == "organisationUnits" && name == "q", c.typ.singular == "dashboard" && name == "q":
		return nil, nil
	}
	if _, err := uidOf(c.seg[1], "uid"); err != nil {
		if a, err := c.malformed(err); a != nil || err != nil {
			return a, err
		}
	}
	return actions{http.MethodGet: c.json(c.read), http.MethodPut: c.json(c.update), http.MethodPatch: c.json(c.patch), http.MethodDelete: c.json(c.remove)}, nil
}

// malformed answers a path whose second segment is no uid. GET has a mapping of
// letters and digits alone, organisation units one of their own (2.44, observed).
func (c *request) malformed(err error) (actions, error) {
	switch c.r.Method {
	case http.MethodGet, http.MethodHead:
		if len(c.seg[1]) == 11 && strings.IndexFunc(c.seg[1], func(r rune) bool { return !(r >= '0' && r <= '9' || r|0x20 >= 'a' && r|0x20 <= 'z') }) < 0 {
			return nil, err
		}
		if c.typ.singular == "organisationUnit" {
			return nil, &pageBadRequest
		}
		c.w.Header().Set("Allow", "DELETE, PUT, PATCH")
		return actions{http.MethodPut: nil}, nil
	case http.MethodOptions, http.MethodPost:
		return nil, nil
	}
	return nil, err
}

func (c *request) thirdActions() (actions, error) {
	switch c.seg[2] {
	case "metadata":
		if _, ok := dependencyTypes[c.typ.singular]; ok {
			return actions{http.MethodGet: c.exportOne}, nil
		}
	case "sharing":
		return actions{http.MethodGet: c.json(c.readProperty), http.MethodPut: c.json(c.putSharing)}, nil
	case "translations":
		return actions{http.MethodGet: c.json(c.readProperty), http.MethodPut: c.json(c.putTranslations)}, nil
	case "gist":
		return actions{http.MethodGet: c.gistOne}, nil
	case "favorite":
		return actions{http.MethodPost: c.json(c.favorite), http.MethodDelete: c.json(c.favorite), http.MethodGet: c.json(c.readProperty)}, nil
	case "subscriber":
		return actions{http.MethodPost: c.json(c.subscriber), http.MethodDelete: c.json(c.subscriber), http.MethodGet: c.json(c.readProperty)}, nil
	}
	if c.typ.singular == "user" {
		if a := c.userActions(c.seg[2]); a != nil {
			return a, nil
		}
	}
	if c.typ.singular == "dashboard" && c.seg[1] == "q" {
		return actions{http.MethodGet: c.json(c.dashboardSearch)}, nil
	}
	if c.typ.singular == "indicator" && c.seg[1] == "expression" && c.seg[2] == "description" {
		return actions{http.MethodPost: c.json(c.expressionDescription)}, nil
	}
	return actions{http.MethodGet: c.json(c.readProperty), http.MethodPost: c.json(c.collectionChange), http.MethodPut: c.json(c.collectionReplace), http.MethodDelete: c.json(c.collectionChange), http.MethodPatch: nil}, nil
}

func (c *request) fourthActions() (actions, error) {
	if c.typ.singular == "userRole" && c.seg[2] == "users" {
		return actions{http.MethodPost: c.json(c.roleMember), http.MethodPut: c.json(c.roleMember), http.MethodDelete: c.json(c.roleMember)}, nil
	}
	if c.seg[3] == "gist" {
		return actions{http.MethodGet: c.gistProperty}, nil
	}
	return actions{http.MethodPost: c.json(c.collectionItem), http.MethodDelete: c.json(c.collectionItem)}, nil
}

// otherActions are the paths below /api that are no type.
func (c *request) otherActions() (actions, error) {
	switch c.seg[0] {
	case "me":
		return c.meActions(), nil
	case "authorities":
		if len(c.seg) == 1 {
			return actions{http.MethodGet: c.json(c.authorities)}, nil
		}
	case "metadata":
		return c.metadataActions(), nil
	case "system":
		return c.taskActions(), nil
	case "schemas":
		return c.schemaActions(), nil
	case "sharing":
		if len(c.seg) == 1 {
			return actions{http.MethodGet: c.json(c.readSharing), http.MethodPost: c.json(c.writeSharing), http.MethodPut: c.json(c.writeSharing)}, nil
		}
	case "maintenance":
		return actions{http.MethodPost: c.updateCombos, http.MethodPut: c.updateCombos}, nil
	case "identifiableObjects":
		if len(c.seg) == 2 {
			return actions{http.MethodGet: c.json(c.anyObject)}, nil
		}
	case "periodTypes":
		return c.periodActions(), nil
	}
	return nil, nil
}
