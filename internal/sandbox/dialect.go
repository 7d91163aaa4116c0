package sandbox

import (
	"fmt"
	"strconv"
	"strings"
)

// dialect is how one generation of DHIS2 words what the framework below it says
// (dhis2/contract.md 3.1, 3.5; transcripts of 2.41 and 2.44).
type dialect struct {
	minor            int // 44 of 2.44
	firstAPI         int // first and last version that /api/NN answers
	lastAPI          int
	badMethod        string // of one method
	badType          string // of one media type, and
	noType           string // without one
	login            string // path of the sign-in page
	lockedWords      bool   // Basic tells a locked or disabled account from a wrong password
	anySuffix        bool   // the last segment loses whatever follows its last dot
	emptySegment     int    // status of "//"
	anyBytes         bool   // a path that is no UTF-8 is read with replacement characters
	needsOne         string // of one missing authority, which 2.41 does not name
	unknownIsLogin   bool   // a path outside /api redirects to the sign-in page
	absoluteRedirect bool   // Location carries scheme and host
}

// dialectOf reads "2.44". Generations below 2.36 and above 2.44 are not known.
func dialectOf(version string) (dialect, error) {
	minor, err := strconv.Atoi(strings.TrimPrefix(version, "2."))
	if err != nil || minor < 36 || minor > 44 || !strings.HasPrefix(version, "2.") {
		return dialect{}, fmt.Errorf("unknown DHIS2 version %q: want 2.36 to 2.44", version)
	}
	d := dialect{
		minor: minor, firstAPI: 28, lastAPI: min(minor, 44), emptySegment: 400,
		badMethod: "Request method '%s' is not supported", badType: "Content-Type '%s' is not supported", noType: "Content-Type is not supported",
		login: "/login/", lockedWords: minor >= 40, needsOne: "Access is denied, requires one Authority from [%s]",
	}
	switch {
	case minor <= 39:
		d.lastAPI = minor + 1 // 2.37 answers 38
	case minor <= 42:
		d.lastAPI = 42
	}
	if minor <= 41 {
		d.badMethod, d.badType, d.noType = "Request method '%s' not supported", "Content type '%s' not supported", "Content type '' not supported"
		d.login, d.anySuffix, d.emptySegment = "/dhis-web-login", true, 500
		d.unknownIsLogin, d.absoluteRedirect, d.anyBytes = true, true, true
		d.needsOne = "Access is denied"
	}
	if minor <= 40 {
		d.login = "/dhis-web-commons/security/login.action"
	}
	return d, nil
}

// answers reports whether /api/NN is served.
func (d dialect) answers(version int) bool { return version >= d.firstAPI && version <= d.lastAPI }
