package metadata

// coerce reads a payload as Jackson reads it into the type's Java class: members
// that the table does not know are dropped, values become what their member holds.
// What cannot be read is a *problem.Problem with Jackson's words (409), a bad date
// a 400 (DHIS2 2.44, observed).
func (s *schema) coerce(in document) (document, error) {
	out := make(document, len(in)+8)
	for name, v := range in {
		p := s.byName[name]
		if p == nil {
			if s.open && v != nil {
				out[name] = v
			}
			continue
		}
		if v == nil || p.calc && !p.dims && !p.calcOwner {
			continue
		}
		c, err := p.coerce(s, v)
		if err != nil {
			return nil, err
		}
		if c != nil {
			out[name] = c
		}
	}
	return out, nil
}

func (p *property) coerce(s *schema, v any) (any, error) {
	switch p.kind {
	case kText, kIdent, kURL, kEmail, kPassword:
		return p.coerceText(s, v)
	case kBool:
		return p.coerceBool(s, v)
	case kInt:
		return p.coerceInt(s, v)
	case kNum:
		return p.coerceNum(s, v)
	case kDate:
		return coerceDate(v)
	case kEnum:
		return p.coerceEnum(s, v)
	case kPeriodType:
		return coercePeriodType(v), nil
	case kRef:
		return p.coerceRef(s, v)
	case kRefs, kObjs, kTexts, kInts:
		return p.coerceList(s, v)
	case kObj, kShare:
		m, ok := v.(map[string]any)
		if !ok {
			return nil, p.wrongToken(s, p.class(), v)
		}
		if p.kind == kShare {
			return coerceSharing(m), nil
		}
		return m, nil
	case kValues:
		return p.coerceValues(s, v)
	}
	return v, nil
}

// class is the Java class of the member's value, or of its items.
func (p *property) class() string {
	switch {
	case p.klass != "":
		return "org.hisp.dhis." + p.klass
	case p.item != nil:
		return p.item.className()
	case p.enum != nil:
		return "org.hisp.dhis." + p.enum.klass
	}
	switch p.kind {
	case kBool:
		return "java.lang.Boolean"
	case kInt:
		return "java.lang.Integer"
	case kNum:
		return "java.lang.Double"
	case kDate:
		return "java.util.Date"
	case kPeriodType:
		return "org.hisp.dhis.period.PeriodType"
	case kShare:
		return "org.hisp.dhis.user.sharing.Sharing"
	}
	return "java.lang.String"
}
