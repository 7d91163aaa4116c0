package metadata

// Resource is one type as GET /api/resources names it.
type Resource struct {
	DisplayName string `json:"displayName"`
	Singular    string `json:"singular"`
	Plural      string `json:"plural"`
	Href        string `json:"href"`
}

// Resources are the types that have a path of their own, in DHIS2's order; base is
// the server's address.
func (s *Service) Resources(base string) []Resource {
	out := []Resource{}
	for _, t := range s.cat.schemas {
		if t.stored() {
			out = append(out, Resource{t.displayName(), t.singular, t.plural, base + "/api/" + t.plural})
		}
	}
	return out
}
