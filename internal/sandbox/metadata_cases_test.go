package sandbox_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/d2gate/d2gate/internal/conform"
)

// metadataNote makes the objects that a case of the metadata names in words.
func (b *box) metadataNote(note string, vars map[string]any) (bool, error) {
	switch note {
	case "organisation units A..E exist":
		for _, n := range []string{"A", "B", "C", "D", "E"} {
			if err := b.makeAs(vars, "", "organisationUnits", orgUnit(n)); err != nil {
				return true, err
			}
		}
		return true, nil
	case "100 option sets":
		var sets []any
		for i := range 100 {
			sets = append(sets, object{"name": fmt.Sprintf("set %03d", i), "valueType": "TEXT"})
		}
		return true, b.importAll(object{"optionSets": sets})
	case "one data element attribute":
		return true, b.makeAs(vars, "", "attributes", object{"name": "extra", "valueType": "TEXT", "dataElementAttribute": true})
	case "category with one option":
		return true, b.categoryWithOneOption(vars)
	case "group has user u1":
		return true, b.groupOf(vars, "u1", "u2")
	case "a data set exists":
		return true, b.makeAs(vars, "uid", "dataSets", dataSet())
	case "program with sharing.users of given size": // the names of the cases say: 1 user
		return true, b.makeAs(vars, "uid", "programs", program(object{"users": object{b.adminUID(): access(b.adminUID())}}))
	case "one data element uses the default category combo":
		return true, b.makeAs(vars, "de", "dataElements", dataElement(nil))
	case "org unit opened 2020-01-01":
		return true, b.makeAs(vars, "uid", "organisationUnits", orgUnit("opened"))
	case "data element with an attribute value":
		if err := b.makeAs(vars, "attr", "attributes", object{"name": "extra", "valueType": "TEXT", "dataElementAttribute": true}); err != nil {
			return true, err
		}
		return true, b.makeAs(vars, "de", "dataElements", dataElement(object{"attributeValues": []any{object{"attribute": object{"id": vars["attr"]}, "value": "text"}}}))
	}
	return false, nil
}

// takenForGranted makes what a case names by a variable and no step of its setup
// made: DHIS2's own tests make it in their set-up methods.
func (b *box) takenForGranted(c conform.Case, vars map[string]any) error {
	if strings.HasPrefix(c.ID, "metadata-") {
		b.clock.at = b.clock.at.Add(time.Second) // what is written later has a later time
	}
	vars["me"] = b.adminUID()
	text := c.Request.Path + string(c.Request.Body)
	missing := func(name string) bool { return vars[name] == nil && strings.Contains(text, "{{"+name+"}}") }
	if missing("uid") && strings.Contains(text, "/api/programs/") {
		if err := b.makeAs(vars, "uid", "programs", program(nil)); err != nil {
			return err
		}
	}
	if missing("uid") {
		vars["uid"] = b.adminUID()
	}
	if missing("de") {
		if err := b.makeAs(vars, "de", "dataElements", dataElement(object{"sharing": object{"users": object{b.adminUID(): access(b.adminUID())}}})); err != nil {
			return err
		}
	}
	if missing("ds") {
		if err := b.makeAs(vars, "ds", "dataSets", dataSet()); err != nil {
			return err
		}
	}
	if missing("g") {
		member := ""
		if c.Request.Method == "DELETE" { // what is taken out was in
			member = "u"
		}
		if err := b.groupOf(vars, member, "u"); err != nil {
			return err
		}
	}
	return b.payloads(text, vars)
}

// payloads makes the bodies of imports that a case describes in words.
func (b *box) payloads(text string, vars map[string]any) error {
	if strings.Contains(text, "{{full export}}") {
		for _, t := range []struct {
			plural string
			o      object
		}{{"organisationUnits", orgUnit("exported")}, {"dataElements", dataElement(nil)}, {"dataSets", dataSet()}} {
			if err := b.makeAs(vars, "", t.plural, t.o); err != nil {
				return err
			}
		}
		a := b.as(asAdmin, "GET", "/api/metadata", "")
		if a.status != 200 {
			return fmt.Errorf("export: %d %s", a.status, a.body)
		}
		vars["full export"] = a.body
	}
	const mixed = "new objects + 1 existing org unit"
	if strings.Contains(text, "{{"+mixed+"}}") {
		if err := b.makeAs(vars, "there", "organisationUnits", orgUnit("there")); err != nil {
			return err
		}
		there := orgUnit("there")
		there["id"] = vars["there"]
		payload, err := json.Marshal(object{"organisationUnits": []any{orgUnit("new"), there}, "dataElements": []any{dataElement(nil)}})
		if err != nil {
			return err
		}
		vars[mixed] = string(payload)
	}
	return nil
}

type object map[string]any

func orgUnit(name string) object {
	return object{"name": name, "shortName": name, "openingDate": "2020-01-01"}
}

func dataSet() object {
	return object{"name": "My data set", "shortName": "MDS", "periodType": "Monthly"}
}

func access(user string) object { return object{"id": user, "access": "rw------"} }

func program(sharing object) object {
	o := object{"name": "My program", "shortName": "MP", "programType": "WITHOUT_REGISTRATION"}
	if sharing != nil {
		o["sharing"] = sharing
	}
	return o
}

func dataElement(more object) object {
	o := object{"name": "My data element", "shortName": "MDE", "aggregationType": "SUM", "domainType": "AGGREGATE", "valueType": "NUMBER"}
	for k, v := range more {
		o[k] = v
	}
	return o
}

// categoryWithOneOption sets cat, co1, which it has, and co2, which it has not.
func (b *box) categoryWithOneOption(vars map[string]any) error {
	for _, co := range []string{"co1", "co2"} {
		if err := b.makeAs(vars, co, "categoryOptions", object{"name": co, "shortName": co}); err != nil {
			return err
		}
	}
	return b.makeAs(vars, "cat", "categories", object{"name": "cat", "shortName": "cat", "dataDimensionType": "DISAGGREGATION", "categoryOptions": []any{object{"id": vars["co1"]}}})
}

// groupOf sets g, a group whose only member is the named user ("" for none), and
// the uids of the users, which it makes.
func (b *box) groupOf(vars map[string]any, member string, users ...string) error {
	if member != "" && member != users[0] {
		users = append(users, member)
	}
	if err := b.makeAs(vars, "role", "userRoles", object{"name": "role of members"}); err != nil {
		return err
	}
	for _, u := range users {
		o := object{"username": "member" + u, "firstName": "Member", "surname": u, "password": "Abcd-1234", "userRoles": []any{object{"id": vars["role"]}}}
		if err := b.makeAs(vars, u, "users", o); err != nil {
			return err
		}
	}
	group := object{"name": "group", "users": []any{}}
	if member != "" {
		group["users"] = []any{object{"id": vars[member]}}
	}
	return b.makeAs(vars, "g", "userGroups", group)
}

// makeAs creates an object and keeps its uid under a name.
func (b *box) makeAs(vars map[string]any, name, plural string, o object) error {
	body, err := json.Marshal(o)
	if err != nil {
		return err
	}
	a := b.as(asAdmin, "POST", "/api/"+plural, string(body))
	var made struct{ Response struct{ UID string } }
	if err := json.Unmarshal([]byte(a.body), &made); err != nil || a.status != 201 {
		return fmt.Errorf("make one of %s: %d %s", plural, a.status, a.body)
	}
	if name != "" {
		vars[name] = made.Response.UID
	}
	return nil
}

func (b *box) importAll(payload object) error {
	body, err := json.Marshal(payload)
	if err != nil {
		return err
	}
	if a := b.as(asAdmin, "POST", "/api/metadata", string(body)); a.status != 200 {
		return fmt.Errorf("import: %d %s", a.status, a.body)
	}
	return nil
}

// adminUID is the uid of the user that cases act as.
func (b *box) adminUID() string {
	u, err := b.s.Metadata().UserByUsername(b.t.Context(), "admin")
	if err != nil {
		b.t.Fatal(err)
	}
	return u.UID
}
