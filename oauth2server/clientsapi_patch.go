package oauth2server

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/d2gate/d2gate/internal/dhis2"
)

// patch answers PATCH with a JSON Patch (RFC 6902; of its operations DHIS2 has add,
// replace and remove). Removing /secret makes a public client.
func (q *clientCall) patch() error {
	n, err := q.body()
	if err != nil {
		return err
	}
	c, err := q.api.registry.cfg.Store.ClientByUID(q.r.Context(), q.uid)
	if err != nil {
		return err
	}
	d := Draft{Name: c.Name, CID: c.CID, GrantTypes: c.GrantTypes, RedirectURIs: c.RedirectURIs}
	if n.Kind != dhis2.KindArray {
		return badPatch("a JSON Patch is a list of operations")
	}
	forget := false
	for _, op := range n.Items {
		if err := patchDraft(&d, &forget, op); err != nil {
			return err
		}
	}
	return q.change(d, forget)
}

func badPatch(text string) error {
	return clientAnswer{dhis2.BadRequest("JSON patch: " + text)}
}

func patchDraft(d *Draft, forget *bool, n *dhis2.Node) error {
	var op, path string
	if err := bindText(n.Member("op"), "op", &op); err != nil {
		return err
	}
	if err := bindText(n.Member("path"), "path", &path); err != nil {
		return err
	}
	if op != "add" && op != "replace" && op != "remove" {
		return badPatch("known operations are add, replace and remove")
	}
	name, item, nested := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	value := n.Member("value")
	if op == "remove" {
		value = nil
	} else if value == nil {
		return badPatch("an operation without value")
	}
	switch name {
	case "name", "cid", "secret":
		if nested {
			return badPatch("invalid path " + path)
		}
		to := map[string]*string{"name": &d.Name, "cid": &d.CID, "secret": &d.Secret}[name]
		*to = ""
		*forget = *forget && name != "secret" || name == "secret" && op == "remove"
		return bindText(value, name, to)
	case "grantTypes", "redirectUris":
		list := map[string]*[]string{"grantTypes": &d.GrantTypes, "redirectUris": &d.RedirectURIs}[name]
		if nested {
			return patchItem(list, op, item, value, path)
		}
		*list = nil
		return bindTexts(value, name, list)
	}
	if clientSchema().Property(name) == nil {
		return badPatch("property " + name + " does not exist on OAuth2Client")
	}
	return nil // what nobody may write is passed over, as PUT does
}

// patchItem changes one item of a list: by its place, or "-" for behind the last.
func patchItem(list *[]string, op, item string, value *dhis2.Node, path string) error {
	i, err := strconv.Atoi(item)
	if item == "-" && op == "add" {
		i, err = len(*list), nil
	}
	if err != nil || i < 0 || i > len(*list) || i == len(*list) && op != "add" {
		return badPatch("invalid path " + path)
	}
	text := ""
	if err := bindText(value, path, &text); err != nil {
		return err
	}
	*list = slices.Clone(*list)
	switch op {
	case "add":
		*list = slices.Insert(*list, i, text)
	case "remove":
		*list = slices.Delete(*list, i, i+1)
	default:
		(*list)[i] = text
	}
	return nil
}

// allow reports the methods of the collection or of one client.
func (q *clientCall) allow() error {
	methods := "GET,HEAD,POST,OPTIONS"
	if q.uid != "" {
		methods = "GET,HEAD,DELETE,PUT,PATCH,OPTIONS"
	}
	q.w.Header().Set("Allow", methods)
	q.w.WriteHeader(http.StatusOK)
	return nil
}
