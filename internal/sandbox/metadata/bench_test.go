package metadata_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/d2gate/d2gate/internal/sandbox/metadata"
)

// payload is an import of n data elements.
func payload(n int) []byte {
	var b bytes.Buffer
	b.WriteString(`{"dataElements":[`)
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"id":"D%010d","name":"Data element %d","shortName":"DE %d","code":"C%d","aggregationType":"SUM","domainType":"AGGREGATE","valueType":"NUMBER","description":"A description as long as descriptions usually are.","categoryCombo":{"id":"bjDvmb4bfuf"}}`, i, i, i, i)
	}
	b.WriteString(`]}`)
	return b.Bytes()
}

func admin(tb testing.TB, s *metadata.Service) *metadata.User {
	tb.Helper()
	u, err := s.UserByUsername(context.Background(), "admin")
	require.NoError(tb, err)
	return u
}

// BenchmarkImport is one object of an import of 2,000 into an empty sandbox.
func BenchmarkImport(b *testing.B) {
	const n = 2000
	body := payload(n)
	b.SetBytes(int64(len(body)) / n)
	for done := 0; done < b.N; done += n {
		b.StopTimer()
		s := open(b, "")
		u := admin(b, s)
		b.StartTimer()
		r, err := s.Import(context.Background(), u, nil, bytes.NewReader(body), nil)
		require.NoError(b, err)
		require.Equal(b, n, r.Stats.Created)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "objects/s")
}

// BenchmarkExport is one object of an export of 5,000.
func BenchmarkExport(b *testing.B) {
	const n = 5000
	s := open(b, "")
	u := admin(b, s)
	_, err := s.Import(context.Background(), u, nil, bytes.NewReader(payload(n)), nil)
	require.NoError(b, err)
	b.ResetTimer()
	for done := 0; done < b.N; done += n {
		require.NoError(b, s.Export(context.Background(), u, map[string][]string{"dataElements": {"true"}}, io.Discard))
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "objects/s")
}

// BenchmarkFilter is one object judged by two filters, one through a reference.
func BenchmarkFilter(b *testing.B) {
	const n = 5000
	s := open(b, "")
	a := &api{b, s, admin(b, s)}
	a.answer(200, "POST", "/api/metadata", string(payload(n)))
	b.ResetTimer()
	for done := 0; done < b.N; done += n {
		require.Equal(b, 200, a.do("GET", "/api/dataElements?filter=name:ilike:element&filter=categoryCombo.name:eq:nothing&gist=false&fields=id", "").Code)
	}
}

// BenchmarkFields is one object shown with all its members.
func BenchmarkFields(b *testing.B) {
	const n = 500
	s := open(b, "")
	a := &api{b, s, admin(b, s)}
	a.answer(200, "POST", "/api/metadata", string(payload(n)))
	b.ResetTimer()
	for done := 0; done < b.N; done += n {
		require.Equal(b, 200, a.do("GET", "/api/dataElements?fields=*&paging=false", "").Code)
	}
}
