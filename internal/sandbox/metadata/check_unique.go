package metadata

import "context"

// checkUnique refuses values that another object has: E5003.
func (b *bundle) checkUnique(ctx context.Context, s *schema, it *staged, doc document) ([]errorReport, error) {
	var errs []errorReport
	for _, p := range s.uniques() {
		v := uniqueText(doc[p.name])
		if v == "" || s.singular == "user" && p.name == "username" {
			continue
		}
		holder, err := b.holder(ctx, s, p.name, v, it)
		if err != nil {
			return nil, err
		}
		if holder != "" {
			e := report(s, "E5003", "Property `%s` with value `%s` on object %s already exists on object %s", p.name, v, labelOf(s, nameOf(s, doc), it.uid), holder).of("", p.name)
			e.MainID = holder
			errs = append(errs, e)
		}
	}
	if len(errs) == 0 {
		for _, p := range s.uniques() {
			if v := uniqueText(doc[p.name]); v != "" {
				b.claim(s, p.name, v, it.uid)
			}
		}
	}
	return errs, nil
}

// holder finds who else has the value, in the payload or in the database. An object
// that the payload updates is judged by what the payload says of it.
func (b *bundle) holder(ctx context.Context, s *schema, property, value string, it *staged) (string, error) {
	if uid := b.values[s.singular+"."+property][value]; uid != "" && uid != it.uid {
		return uid, nil
	}
	uid, err := holderOf(ctx, b.tx, s, property, value)
	if err != nil || uid == it.uid {
		return "", err
	}
	return uid, nil
}

func (b *bundle) claim(s *schema, property, value, uid string) {
	key := s.singular + "." + property
	if b.values[key] == nil {
		b.values[key] = map[string]string{}
	}
	b.values[key][value] = uid
}
