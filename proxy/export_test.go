package proxy

// Owner tells the tests who answers a target.
func Owner(t *Target) (canonical, who string) {
	c, o := owner(t)
	return c, [...]string{"routes", "own", "guard"}[o]
}

// MustDrop tells the tests whether a header is kept from the upstream.
func MustDrop(name string) bool { return mustDrop(name) }

// NewImportGuard is the reader of import bodies for tests; it refuses with err.
func NewImportGuard(err error, types ...string) func([]byte) error {
	g := importGuard{types: types, refuse: func(string) error { return err }}
	return g.feed
}
