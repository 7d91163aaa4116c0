package dhis2_test

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"github.com/d2gate/d2gate/internal/dhis2"
)

const (
	source = "[Source: REDACTED (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled); "
	wanted = "(JSON String, Number, Array, Object or token 'null', 'true' or 'false')"
)

// The texts are recorded answers of DHIS2 2.44 where a scenario is named, else
// Jackson 2.19's.
func TestBrokenJSONIsToldInJacksonsWords(t *testing.T) {
	for _, tt := range []struct{ name, in, want string }{
		{"pat-create-bodies: nothing", ``, "No content to map due to end-of-input\n at " + source + "line: 1]"},
		{"pat-create-bodies: open object", `{`, "Unexpected end-of-input: expected close marker for Object (start marker at " + source + "line: 1, column: 1])\n at " + source + "line: 1, column: 2]"},
		{"metadata-import-broken-json: open array", `{"dataElements": [`, "Unexpected end-of-input: expected close marker for Array (start marker at " + source + "line: 1, column: 18])\n at " + source + "line: 1, column: 19]"},
		{"metadata-import-broken-json: wrong close", `{"dataElements": [}`, "Unexpected close marker '}': expected ']' (for Array starting at " + source + "line: 1, column: 18])\n at " + source + "line: 1, column: 19]"},
		{"metadata-import-broken-json: word", `hello`, "Unrecognized token 'hello': was expecting " + wanted + "\n at " + source + "line: 1, column: 1]"},
		{"errors-broken-json-metadata: words", `not json`, "Unrecognized token 'not': was expecting " + wanted + "\n at " + source + "line: 1, column: 1]"},
		{"metadata-import-broken-json: comma", `{"dataElements": [{"id": "abc" "name": "x"}]}`, "Unexpected character ('\"' (code 34)): was expecting comma to separate Object entries\n at " + source + "line: 1, column: 32]"},
		{"metadata-import-broken-json: quotes", `{'dataElements': []}`, "Unexpected character (''' (code 39)): was expecting double-quote to start field name\n at " + source + "line: 1, column: 2]"},
		{"signin-login-bodies: no value", `{"username":`, "Unexpected end-of-input within/between Object entries\n at " + source + "line: 1, column: 13]"},
		{"lines are counted", "{\n \"a\": 1\n x", "Unexpected character ('x' (code 120)): was expecting comma to separate Object entries\n at " + source + "line: 3, column: 2]"},
		{"string never ends", `"abc`, "Unexpected end-of-input: was expecting closing quote for a string value\n at " + source + "line: 1, column: 5]"},
		{"name never ends", `{"abc`, "Unexpected end-of-input in field name\n at " + source + "line: 1, column: 6]"},
		{"control character", "\"a\tb\"", "Illegal unquoted character ((CTRL-CHAR, code 9)): has to be escaped using backslash to be included in string value\n at " + source + "line: 1, column: 3]"},
		{"bad escape", `"a\x"`, "Unrecognized character escape 'x' (code 120)\n at " + source + "line: 1, column: 3]"},
		{"leading zero", `[01]`, "Invalid numeric value: Leading zeroes not allowed\n at " + source + "line: 1, column: 2]"},
		{"half a word", `[tru]`, "Unrecognized token 'tru': was expecting " + wanted + "\n at " + source + "line: 1, column: 2]"},
		{"trailing comma", `[1,]`, "Unexpected character (']' (code 93)): expected a valid value " + wanted + "\n at " + source + "line: 1, column: 4]"},
		{"bad UTF-8", "\"\xff\"", "Invalid UTF-8 start byte 0xff\n at " + source + "line: 1, column: 4]"},
		{"depth", strings.Repeat("[", 1001), "Document nesting depth (1001) exceeds the maximum allowed (1000, from `StreamReadConstraints.getMaxNestingDepth()`)\n at " + source + "line: 1, column: 1001]"},
		{"long number", strings.Repeat("1", 5000), "Number value length (1001) exceeds the maximum allowed (1000, from `StreamReadConstraints.getMaxNumberLength()`)\n at " + source + "line: 1, column: 1]"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := dhis2.ParseNode([]byte(tt.in))
			require.EqualError(t, err, tt.want)
			_, err = dhis2.NewJSONReader(iotest.OneByteReader(strings.NewReader(tt.in))).ReadNode()
			require.EqualError(t, err, tt.want, "byte by byte")
		})
	}
}

func TestOfMembersWithOneNameTheLastCounts(t *testing.T) {
	v, err := value([]byte(`{"a":1,"b":2,"a":3}`))
	require.NoError(t, err)
	require.Equal(t, `{"a":3,"b":2}`, text(t, v))
	n, err := dhis2.ParseNode([]byte(`{"a":1,"b":2,"a":3}`))
	require.NoError(t, err)
	require.Equal(t, `{"a":3,"b":2}`, text(t, n.Value()))
	require.Equal(t, "3", n.Member("a").Text)
}

func TestManyMembersAreReadInLinearTime(t *testing.T) {
	var b strings.Builder
	b.WriteString(`{"n0":0`)
	for range 200_000 {
		b.WriteString(`,"n` + strings.Repeat("x", b.Len()%7) + `":1`)
	}
	b.WriteString(`}`)
	_, err := value([]byte(b.String()))
	require.NoError(t, err)
}

func TestWhatFollowsTheValueIsNotLookedAt(t *testing.T) {
	v, err := value([]byte("\ufeff {\"a\":[true,false,null,-1.5e+3,\"\\u00e9\\ud83d\\ude00\\n\"]} junk"))
	require.NoError(t, err)
	require.Equal(t, `{"a":[true,false,null,-1.5e+3,"é😀\n"]}`, text(t, v))
}

func TestABrokenSourceIsNotBrokenJSON(t *testing.T) {
	broken := errors.New("connection reset")
	for _, in := range []string{"", "{", `{"a`, `{"a":`, "[1", `"a\`, `"a\u12`} {
		_, err := dhis2.NewJSONReader(io.MultiReader(strings.NewReader(in), iotest.ErrReader(broken))).ReadNode()
		require.ErrorIs(t, err, broken, in)
	}
}

func text(t testing.TB, v any) string {
	t.Helper()
	b, err := dhis2.AppendJSON(nil, v)
	require.NoError(t, err)
	return string(b)
}

func FuzzParseNode(f *testing.F) {
	for _, s := range []string{`{"a":[1,2.5e-3,"x\u00e9"],"b":{"c":null}}`, `[[[`, `{"a":1,"a":2}`, "\"\xff\"", `"\ud800"`, `-`, `0.`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		whole, err := value(in)
		node, err2 := dhis2.NewJSONReader(iotest.HalfReader(strings.NewReader(string(in)))).ReadNode()
		require.Equal(t, err == nil, err2 == nil)
		if err != nil {
			require.EqualError(t, err2, err.Error())
			return
		}
		require.Equal(t, text(t, whole), text(t, node.Value()))
		again, err := value([]byte(text(t, whole)))
		require.NoError(t, err, "what is printed is read")
		require.Equal(t, text(t, whole), text(t, again))
	})
}

func BenchmarkParseNode(b *testing.B) {
	in := []byte(`{"id":"L006a000000","name":"L006 Alpha","code":"L006a000000","shortName":"L006 Alpha","valueType":"NUMBER","categoryCombo":{"id":"bjDvmb4bfuf"},"aggregationLevels":[],"legendSets":[],"zeroIsSignificant":false,"sharing":{"owner":"M5zQapPyTZI","users":{},"userGroups":{},"public":"rw------"}}`)
	b.SetBytes(int64(len(in)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := object(in); err != nil {
			b.Fatal(err)
		}
	}
}

// value reads a text without its places.
func value(text []byte) (any, error) {
	n, err := dhis2.ParseNode(text)
	if err != nil {
		return nil, err
	}
	return n.Value(), nil
}

// object reads a text that holds one object.
func object(text []byte) (*dhis2.Object, error) {
	v, err := value(text)
	o, ok := v.(*dhis2.Object)
	if err == nil && !ok {
		err = errors.New("no object")
	}
	return o, err
}
