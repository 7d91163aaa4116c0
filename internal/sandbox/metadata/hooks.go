package metadata

import (
	"context"
	"slices"
)

// This file holds what single types do beyond the table (DHIS2 2.44's
// ObjectBundleHooks): their own checks, what they work out before they are stored,
// and what they change in others afterwards.

// hookErrors are the checks of one type.
func (b *bundle) hookErrors(ctx context.Context, s *schema, doc document, old *object) ([]errorReport, error) {
	switch s.singular {
	case "user":
		return b.userErrors(ctx, s, doc, old)
	case "userRole":
		return b.roleErrors(s, doc), nil
	case "option":
		return b.optionErrors(ctx, doc)
	case "programStage":
		return b.stageErrors(ctx, s, doc)
	case "organisationUnit":
		return unitErrors(s, doc), nil
	}
	return nil, nil
}

// optionErrors forbids two options of one code in a set: E4028.
func (b *bundle) optionErrors(ctx context.Context, doc document) ([]errorReport, error) {
	set, code := idOf(doc["optionSet"]), textOf(doc, "code")
	if set == "" || code == "" {
		return nil, nil
	}
	sets, options := b.s.cat.bySingular["optionSet"], b.s.cat.bySingular["option"]
	rows, err := b.tx.QueryContext(ctx, `SELECT o.uid FROM md_object o JOIN md_ref r ON r.seq = o.seq
		WHERE o.type = 'option' AND o.code = ? AND r.target_type = 'optionSet' AND r.target = ? AND r.type = 'option' AND r.property = 'optionSet'`, code, set)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var uid string
		if err := rows.Scan(&uid); err != nil {
			return nil, err
		}
		if uid != textOf(doc, "id") && !b.g.has(options, uid) {
			return []errorReport{report(sets, "E4028", "Option set `%s` already contains option `%s`", set, uid)}, nil
		}
	}
	return nil, rows.Err()
}

// stageErrors demands the program of a stage: E4053.
func (b *bundle) stageErrors(ctx context.Context, s *schema, doc document) ([]errorReport, error) {
	if idOf(doc["program"]) != "" {
		return nil, nil
	}
	uid := textOf(doc, "id")
	if t := b.g.types[b.s.cat.bySingular["program"]]; t != nil {
		for _, it := range t.items {
			p, err := b.g.decode(t, it)
			if err != nil {
				return nil, err
			}
			if slices.ContainsFunc(listOf(p, "programStages"), func(v any) bool { return idOf(v) == uid }) {
				return nil, nil
			}
		}
	}
	return []errorReport{report(s, "E4053", "Program stage `%s` must reference a program", uid)}, nil
}

// unitErrors demands that a unit closes after it opens: E4013. The texts are Java's
// short form of a date and the one of Date.toString.
func unitErrors(s *schema, doc document) []errorReport {
	opens, closes := parseStamp(textOf(doc, "openingDate")), parseStamp(textOf(doc, "closedDate"))
	if opens.IsZero() || closes.IsZero() || !closes.Before(opens) {
		return nil
	}
	short, long := "1/2/06, 3:04 PM", "Mon Jan 02 15:04:05 UTC 2006"
	e := report(s, "E4013", "Invalid closing date `%s`, must be after opening date `%s`", closes.Format(short), opens.Format(short))
	e.Args, e.ErrorProperties = []any{closes.Format(long), opens.Format(long)}, []any{stamp(closes), stamp(opens)}
	return []errorReport{e}
}

// twiceErrors forbids to name a category twice: E5007.
func (b *bundle) twiceErrors(s *schema, doc document) []errorReport {
	if s.singular != "categoryCombo" {
		return nil
	}
	seen := map[string]bool{}
	for _, v := range listOf(doc, "categories") {
		uid := idOf(v)
		if seen[uid] {
			e := report(s, "E5007", "Duplicate reference %s on object %s for association `%s`", labelOf(b.s.cat.bySingular["category"], "", uid), b.label(s, doc), "category")
			e.MainID, e.ErrorKlass, e.ErrorProperty = textOf(doc, "id"), "org.hisp.dhis.category.Category", "category"
			return []errorReport{e}
		}
		seen[uid] = true
	}
	return nil
}

// before completes an object just before it is stored.
func (b *bundle) before(ctx context.Context, o, old *object) error {
	switch o.typ.singular {
	case "user":
		return b.beforeUser(ctx, o, old)
	case "organisationUnit":
		return b.beforeUnit(ctx, o)
	case "optionSet", "dataSet", "program":
		b.beforeVersioned(o, old)
		return b.beforeList(ctx, o)
	case "categoryOptionCombo":
		return b.beforeOptionCombo(ctx, o)
	case "visualization", "eventVisualization":
		foldDimensions(o.doc)
	case "dashboard":
		for _, v := range listOf(o.doc, "dashboardItems") {
			typeOfItem(v)
		}
	}
	return nil
}

// after changes others once an object is stored.
func (b *bundle) after(ctx context.Context, o, old *object) error {
	switch o.typ.singular {
	case "user":
		return b.afterUser(ctx, o, old)
	case "option":
		return b.afterItem(ctx, o, "optionSet")
	case "programStage":
		return b.afterItem(ctx, o, "program")
	case "optionSet", "program":
		return b.afterList(ctx, o)
	case "organisationUnit":
		if old != nil && textOf(old.doc, "path") != textOf(o.doc, "path") {
			return b.s.repath(ctx, b.tx, o)
		}
	case "categoryCombo":
		if b.p.single && old == nil {
			return b.s.makeOptionCombos(ctx, b.tx, o, b.p.user, b.now)
		}
	}
	return nil
}

// finish runs once everything is stored: what referred forward is made whole.
func (b *bundle) finish(ctx context.Context) error {
	if t := b.g.types[b.s.cat.bySingular["organisationUnit"]]; t != nil {
		if err := b.finishUnits(ctx, t); err != nil {
			return err
		}
	}
	if t := b.g.types[b.s.cat.bySingular["categoryOptionCombo"]]; t != nil {
		return b.finishOptionCombos(ctx, t)
	}
	return nil
}

// typeOfItem works out the kind of a dashboard item from what it shows.
func typeOfItem(v any) {
	d, _ := v.(map[string]any)
	if d == nil || d["type"] != nil {
		return
	}
	for _, k := range []string{"visualization", "eventVisualization", "eventChart", "eventReport", "map", "text", "users", "reports", "resources", "messages", "appKey"} {
		if list, ok := d[k].([]any); d[k] != nil && (!ok || len(list) > 0) {
			d["type"] = map[string]string{"appKey": "APP"}[k]
			if k != "appKey" {
				d["type"] = snakeCase(k)
			}
			return
		}
	}
}
