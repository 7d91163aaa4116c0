package datastore

// kind of comparison of an operator.
type comparison uint8

const (
	isNull comparison = iota
	isEmpty
	inList
	equal
	less
	lessOrEqual
	greater
	greaterOrEqual
	contains
	startsWith
	endsWith
)

// operator is one row of the table of operators.
type operator struct {
	compare comparison
	negated bool
	fold    bool // ignoring case
}

func (o operator) unary() bool { return o.compare <= isEmpty }
func (o operator) like() bool  { return o.compare >= contains }

// operators, by name in lower case (DHIS2 2.44 DatastoreQuery.Comparison).
var operators = map[string]operator{
	"null": {compare: isNull}, "!null": {compare: isNull, negated: true},
	"empty": {compare: isEmpty}, "!empty": {compare: isEmpty, negated: true},
	"in": {compare: inList}, "!in": {compare: inList, negated: true},
	"eq": {compare: equal}, "!eq": {compare: equal, negated: true}, "neq": {compare: equal, negated: true}, "ne": {compare: equal, negated: true},
	"ieq": {compare: equal, fold: true},
	"lt":  {compare: less}, "lte": {compare: lessOrEqual}, "le": {compare: lessOrEqual},
	"gt": {compare: greater}, "gte": {compare: greaterOrEqual}, "ge": {compare: greaterOrEqual},
	"like": {compare: contains}, "!like": {compare: contains, negated: true},
	"$like": {compare: startsWith}, "!$like": {compare: startsWith, negated: true},
	"like$": {compare: endsWith}, "!like$": {compare: endsWith, negated: true},
	"ilike": {compare: contains, fold: true}, "!ilike": {compare: contains, fold: true, negated: true},
	"$ilike": {compare: startsWith, fold: true}, "!$ilike": {compare: startsWith, fold: true, negated: true},
	"startswith": {compare: startsWith, fold: true}, "!startswith": {compare: startsWith, fold: true, negated: true},
	"ilike$": {compare: endsWith, fold: true}, "!ilike$": {compare: endsWith, fold: true, negated: true},
	"endswith": {compare: endsWith, fold: true}, "!endswith": {compare: endsWith, fold: true, negated: true},
}

// operatorList is how DHIS2 names them all: in the order of a hash map.
const operatorList = "startswith, !in, !$like, lt, endswith, !eq, like$, empty, ieq, $like, !endswith, gte, neq, lte, !empty, ge, !like$, in, like, !startswith, !$ilike, !null, eq, gt, null, $ilike, ilike$, !ilike, ne, !ilike$, le, ilike, !like"
