// Package house_test holds the rules of the repository as tests: which way the
// imports point, which package owns which dependency, what may not be written.
package house_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const module = "github.com/d2gate/d2gate/"

// layers, lowest first. A package imports only from layers below its own, or from
// those that are named with it in allowed.
var layers = [][]string{
	{"internal/fault", "internal/metrics"},
	{"internal/dhis2", "internal/audit"},
	{"constraints", "internal/respond"},
	{"config"},
	{"pat", "internal/identity"},
	{"proxy", "oauth2server", "internal/console", "internal/sandbox"},
	{"internal/store"},
	{"cmd/d2gate"},
}

// allowed are imports within a layer that the design wants.
var allowed = map[string][]string{
	"internal/console": {"proxy", "oauth2server"},
	"oauth2server":     {},
}

// forbidden imports, by package and by the start of the import path.
var forbidden = map[string][]string{
	"constraints":      {"net/http", "time/tzdata"},
	"config":           {"net/http"},
	"pat":              {module + "oauth2server", module + "proxy", module + "config"},
	"oauth2server":     {module + "pat", module + "config"},
	"internal/sandbox": {module + "proxy", module + "pat", module + "config", module + "internal/identity"},
}

// doors: only these packages may import the dependency.
var doors = map[string][]string{
	"html/template":                              {}, // docs/decisions/0006
	"text/template":                              {},
	"github.com/DataDog/datadog-agent":           {"internal/console", "internal/respond"},
	"github.com/go-chi/chi":                      {"cmd/d2gate"},
	"github.com/goccy/go-yaml":                   {"config"},
	"modernc.org/sqlite":                         {"internal/store"},
	"github.com/jackc/pgx":                       {"internal/store"},
	"github.com/pressly/goose":                   {"internal/store"},
	"github.com/coreos/go-oidc":                  {"internal/identity"},
	"golang.org/x/oauth2":                        {"internal/identity"},
	"github.com/spf13/cobra":                     {"cmd/d2gate"},
	"github.com/prometheus/client_golang":        {},
	"google.golang.org/protobuf":                 {},
	module + "internal/metrics":                  {"cmd/d2gate"},
	module + "internal/store":                    {"cmd/d2gate"},
	module + "internal/conform":                  {},
	"github.com/stretchr/testify/require":        {},
	"github.com/rogpeppe/go-internal/testscript": {},
}

type file struct {
	path, pkg string // pkg is the folder from the root
	test      bool
	ast       *ast.File
	set       *token.FileSet
}

func files(t *testing.T) []file {
	t.Helper()
	var out []file
	root := filepath.Join("..", "..")
	require.NoError(t, filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "node_modules" || d.Name() == "testdata" || strings.HasPrefix(d.Name(), ".") && len(d.Name()) > 2) {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(path, ".go") {
			return nil
		}
		set := token.NewFileSet()
		f, err := parser.ParseFile(set, path, nil, parser.ParseComments)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, path)
		out = append(out, file{filepath.ToSlash(rel), filepath.ToSlash(filepath.Dir(rel)), strings.HasSuffix(path, "_test.go"), f, set})
		return err
	}))
	require.NotEmpty(t, out)
	return out
}

func imports(f file) []string {
	var out []string
	for _, s := range f.ast.Imports {
		out = append(out, strings.Trim(s.Path.Value, `"`))
	}
	return out
}

// layerOf takes the parts of the sandbox as one house.
func layerOf(pkg string) int {
	if strings.HasPrefix(pkg, "internal/sandbox/") {
		pkg = "internal/sandbox"
	}
	return slices.IndexFunc(layers, func(l []string) bool { return slices.Contains(l, pkg) })
}

func TestImportsPointOneWay(t *testing.T) {
	for _, f := range files(t) {
		from := layerOf(f.pkg)
		if f.test || from < 0 {
			continue
		}
		for _, imp := range imports(f) {
			to, ours := strings.CutPrefix(imp, module)
			sandbox := strings.HasPrefix(f.pkg, "internal/sandbox") && strings.HasPrefix(to, "internal/sandbox/")
			if !ours || sandbox || slices.Contains(allowed[f.pkg], to) {
				continue
			}
			if l := layerOf(to); l >= 0 && l >= from {
				t.Errorf("%s imports %s, which is not below it", f.path, to)
			}
		}
	}
}

func TestEveryPackageHasALayer(t *testing.T) {
	helpers := []string{"internal/conform", "internal/house", "internal/store/storetest"} // tests only
	for _, f := range files(t) {
		if !f.test && layerOf(f.pkg) < 0 && !slices.Contains(helpers, f.pkg) {
			t.Errorf("%s is in no layer: add it to docs/ARCHITECTURE.md and to this test", f.pkg)
		}
	}
}

func TestNobodyImportsWhatIsForbidden(t *testing.T) {
	for _, f := range files(t) {
		for _, imp := range imports(f) {
			for _, no := range forbidden[f.pkg] {
				if !f.test && (imp == no || strings.HasPrefix(imp, no+"/")) {
					t.Errorf("%s imports %s", f.path, imp)
				}
			}
		}
	}
}

func TestEachDependencyHasOneDoor(t *testing.T) {
	for _, f := range files(t) {
		for _, imp := range imports(f) {
			for dep, door := range doors {
				if !f.test && strings.HasPrefix(imp, dep) && !slices.Contains(door, f.pkg) && f.pkg != "internal/conform" && !strings.HasSuffix(f.pkg, "test") {
					t.Errorf("%s imports %s, whose door is %v", f.path, dep, door)
				}
			}
		}
	}
}

func TestThereIsOneMainPackage(t *testing.T) {
	for _, f := range files(t) {
		if f.ast.Name.Name == "main" && f.pkg != "cmd/d2gate" && f.pkg != ".ci" {
			t.Errorf("%s: go run ./cmd/d2gate needs to stay the only program", f.path)
		}
	}
}

func TestNoPackageHasANameThatSaysNothing(t *testing.T) {
	for _, f := range files(t) {
		switch strings.TrimSuffix(f.ast.Name.Name, "_test") {
		case "util", "utils", "common", "model", "models", "types", "core", "service", "helper", "helpers":
			t.Errorf("%s: package %s", f.path, f.ast.Name.Name)
		}
	}
}

func TestNoCodeRunsOnImport(t *testing.T) {
	for _, f := range files(t) {
		for _, d := range f.ast.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
				t.Errorf("%s has an init function", f.path)
			}
		}
	}
}

func TestEveryPackageSaysWhichQuestionItAnswers(t *testing.T) {
	documented := map[string]bool{}
	for _, f := range files(t) {
		if !f.test {
			documented[f.pkg] = documented[f.pkg] || f.ast.Doc.Text() != ""
		}
	}
	for pkg, ok := range documented {
		if !ok {
			t.Errorf("%s has no package comment", pkg)
		}
	}
}

// TestNoTestSleepsWithoutAReason: what is in this process can be waited for. Where
// another process, or the pace itself, is what the test is about, the line says so.
func TestNoTestSleepsWithoutAReason(t *testing.T) {
	for _, f := range files(t) {
		if !f.test {
			continue
		}
		reasons := map[int]bool{}
		for _, g := range f.ast.Comments {
			reasons[f.set.Position(g.Pos()).Line] = true
		}
		ast.Inspect(f.ast, func(n ast.Node) bool {
			if s, ok := n.(*ast.SelectorExpr); ok && s.Sel.Name == "Sleep" {
				if x, ok := s.X.(*ast.Ident); ok && x.Name == "time" && !reasons[f.set.Position(s.Pos()).Line] {
					t.Errorf("%s sleeps and does not say why", f.path)
				}
			}
			return true
		})
	}
}
