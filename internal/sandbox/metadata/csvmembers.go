package metadata

import (
	"errors"
	"slices"
)

// membership is a CSV class whose rows put objects into collections: the uid of the
// collection, then the uid of the object.
type membership struct{ typ, property string }

var memberships = map[string]membership{
	"DATA_ELEMENT_GROUP_MEMBERSHIP":      {"dataElementGroup", "dataElements"},
	"INDICATOR_GROUP_MEMBERSHIP":         {"indicatorGroup", "indicators"},
	"ORGANISATION_UNIT_GROUP_MEMBERSHIP": {"organisationUnitGroup", "organisationUnits"},
	"OPTION_GROUP_SET_MEMBERSHIP":        {"optionGroupSet", "optionGroups"},
}

// readMemberships stages each collection once, with its new members after those that
// it has. A collection that does not exist is staged with its members alone: the
// checks of the import report it.
func (c *request) readMemberships(m membership, g *stage) error {
	typ, docs, order := c.s.cat.bySingular[m.typ], map[string]document{}, []string(nil)
	err := c.readCSV(func(row []string) error {
		if len(row) < 2 || row[1] == "" {
			return nil
		}
		collection, member := row[0], row[1]
		doc := docs[collection]
		if doc == nil {
			o, err := load(c.r.Context(), c.q, typ, collection)
			switch {
			case errors.Is(err, errNoObject):
				doc = document{"id": collection}
			case err != nil:
				return err
			default:
				doc = o.doc
			}
			docs[collection], order = doc, append(order, collection)
		}
		list := listOf(doc, m.property)
		if !slices.ContainsFunc(list, func(e any) bool { return idOf(e) == member }) {
			doc[m.property] = append(list, id(member))
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, uid := range order {
		if err := stageJSON(g, typ, docs[uid]); err != nil {
			return err
		}
	}
	return nil
}
