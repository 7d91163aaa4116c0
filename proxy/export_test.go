package proxy

// Owner tells the tests who answers a target.
func Owner(t *Target) (canonical, who string) {
	c, o := owner(t)
	return c, [...]string{"routes", "own", "guard"}[o]
}

// MustDrop tells the tests whether a header is kept from the upstream.
func MustDrop(name string) bool { return mustDrop(name) }
