package dhis2

import (
	"cmp"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// pageCount is how many pages there are; without objects there is none.
func pageCount(total, pageSize int) int { return (total + pageSize - 1) / pageSize }

// normalPager is the pager of the normal engine. A page beyond the last is shown
// as the last. Address is where the type's list is.
func normalPager(address string, values url.Values, page, pageSize, total int) *Object {
	pageSize = max(pageSize, 1)
	pages := pageCount(total, pageSize)
	page = max(1, min(page, pages))
	pager := NewObject("page", page, "total", total, "pageSize", pageSize)
	if page < pages {
		pager.Set("nextPage", normalLink(address, values, page+1, pageSize))
	}
	if page > 1 {
		pager.Set("prevPage", normalLink(address, values, page-1, pageSize))
	}
	pager.Set("pageCount", pages)
	return pager
}

// normalLink is DHIS2's LinkService: page unless it is the first, pageSize unless
// it is the default, then the request's other parameters in the order in which
// Java's HashMap keeps them.
func normalLink(address string, values url.Values, page, pageSize int) string {
	var parts []string
	if page > 1 {
		parts = append(parts, "page="+strconv.Itoa(page))
	}
	if pageSize != DefaultPageSize {
		parts = append(parts, "pageSize="+strconv.Itoa(pageSize))
	}
	names := make([]string, 0, len(values))
	for name := range values {
		if name != "page" && name != "pageSize" {
			names = append(names, name)
		}
	}
	slices.SortFunc(names, func(a, b string) int {
		return cmp.Or(cmp.Compare(bucket(a), bucket(b)), strings.Compare(a, b))
	})
	for _, name := range names {
		for _, v := range values[name] {
			parts = append(parts, javaEscape(name)+"="+javaEscape(v))
		}
	}
	if len(parts) == 0 {
		return address
	}
	return address + "?" + strings.Join(parts, "&")
}

// bucket is where a HashMap of 16 buckets keeps a text.
func bucket(s string) uint32 {
	var h uint32
	for _, c := range s {
		h = 31*h + uint32(c)
	}
	return (h ^ h>>16) & 15
}

// javaEscape is Java's URLEncoder, which differs from Go's in two signs.
func javaEscape(s string) string {
	return strings.NewReplacer("%2A", "*", "~", "%7E").Replace(url.QueryEscape(s))
}

// gistPager is the pager of the Gist engine: the request's own address and query
// with another page at its end. A negative total was not asked for.
func gistPager(self, rawQuery string, page, pageSize, total, shown int) *Object {
	pager := NewObject("page", page, "pageSize", pageSize)
	more := shown > 0
	if total >= 0 {
		pager.Set("total", total)
		pager.Set("pageCount", pageCount(total, pageSize))
		more = page < pageCount(total, pageSize)
	}
	if page > 1 {
		pager.Set("prevPage", gistLink(self, rawQuery, page-1))
	}
	if more {
		pager.Set("nextPage", gistLink(self, rawQuery, page+1))
	}
	return pager
}

func gistLink(self, rawQuery string, page int) string {
	var parts []string
	for part := range strings.SplitSeq(rawQuery, "&") {
		if part != "" && part != "page" && !strings.HasPrefix(part, "page=") {
			parts = append(parts, part)
		}
	}
	return self + "?" + strings.Join(append(parts, "page="+strconv.Itoa(page)), "&")
}
