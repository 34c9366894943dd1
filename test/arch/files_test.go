package arch

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// file is a parsed file of a package, without tests.
type file struct {
	pkg  string // short import path
	name string
	set  *token.FileSet
	ast  *ast.File
}

// files parses every file of the module's packages, those of every platform.
func files(t *testing.T) map[string][]file {
	t.Helper()
	all := map[string][]file{}
	for _, p := range packages(t) {
		names, err := filepath.Glob(filepath.Join(p.Dir, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			set := token.NewFileSet()
			tree, err := parser.ParseFile(set, name, nil, parser.ParseComments|parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			all[p.short()] = append(all[p.short()], file{p.short(), filepath.Base(name), set, tree})
		}
	}
	return all
}

func (f file) at(n ast.Node) string {
	return fmt.Sprintf("%s/%s:%d", f.pkg, f.name, f.set.Position(n.Pos()).Line)
}

// local is the name under which the file imports a package, "" when it does not.
func (f file) local(imported string) string {
	for _, i := range f.ast.Imports {
		if strings.Trim(i.Path.Value, `"`) == imported {
			if i.Name != nil {
				return i.Name.Name
			}
			return path.Base(imported)
		}
	}
	return ""
}

// clock lists what of package time reads the clock or waits.
func clock() []string {
	return []string{"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "Tick", "NewTimer", "NewTicker"}
}

// TestOnlyServerRunsThings: of a core package only server.go starts goroutines, waits, reads the clock or
// knows sockets, so that all else can be tested without any of it. Time.Now as a value, a clock to hand
// on, is no reading of it.
func TestOnlyServerRunsThings(t *testing.T) {
	all := files(t)
	for _, name := range append(core(), "internal/demo") {
		for _, f := range all[name] {
			if f.name == "server.go" {
				continue
			}
			if f.local("net") != "" {
				t.Errorf("%s/%s imports net; only server.go may", f.pkg, f.name)
			}
			timePkg, contextPkg := f.local("time"), f.local("context")
			called := map[ast.Expr]bool{}
			ast.Inspect(f.ast, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.CallExpr:
					called[n.Fun] = true
				case *ast.GoStmt:
					t.Errorf("%s starts a goroutine; only server.go may", f.at(n))
				case *ast.SelectorExpr:
					x, ok := n.X.(*ast.Ident)
					if ok && timePkg != "" && x.Name == timePkg && slices.Contains(clock(), n.Sel.Name) && (called[n] || n.Sel.Name != "Now") {
						t.Errorf("%s uses time.%s; pass the time or a clock, only server.go may", f.at(n), n.Sel.Name)
					}
					if ok && contextPkg != "" && x.Name == contextPkg && (n.Sel.Name == "WithTimeout" || n.Sel.Name == "WithDeadline" || n.Sel.Name == "AfterFunc") {
						t.Errorf("%s uses context.%s, which is a timer; only server.go may", f.at(n), n.Sel.Name)
					}
				}
				return true
			})
		}
	}
}

func TestNothingHappensBeforeMain(t *testing.T) {
	for _, list := range files(t) {
		for _, f := range list {
			for _, d := range f.ast.Decls {
				if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
					t.Errorf("%s declares init; do it where it is needed, in plain sight", f.at(fn))
				}
			}
		}
	}
}

// constructors make package variables that are constants in all but name.
func constructors() []string {
	return []string{
		"errors.New", "fmt.Errorf", "kind.New", "regexp.MustCompile", "strings.NewReplacer", "template.Must", "fs.Sub",
		"reflect.TypeFor", "reflect.TypeOf", "netip.MustParsePrefix", "netip.MustParseAddr", "big.NewInt", "big.NewRat", "apd.New",
		"crc32.MakeTable", "time.Unix", "time.Date", "time.FixedZone", "sync.OnceValue",
	}
}

// TestPackagesHaveNoState: a package variable is an error, a compiled constant, an embedded file or a table
// that nobody writes to; with state, two nodes could not live in one process or one test.
func TestPackagesHaveNoState(t *testing.T) {
	for dir, list := range files(t) {
		if strings.HasSuffix(dir, "internal/migrate/dbtest") {
			continue // one server for all tests of a binary is what it is for
		}
		written := writes(list)
		for _, f := range list {
			for _, d := range f.ast.Decls {
				decl, ok := d.(*ast.GenDecl)
				if !ok || decl.Tok != token.VAR {
					continue
				}
				for _, s := range decl.Specs {
					spec := s.(*ast.ValueSpec)
					embedded := strings.Contains(comments(decl.Doc, spec.Doc), "go:embed")
					for i, name := range spec.Names {
						switch {
						case name.Name == "_" || embedded:
						case written[name.Name] != "":
							t.Errorf("%s: %s is state: it is written at %s", f.at(name), name.Name, written[name.Name])
						case i >= len(spec.Values) || !constant(spec.Values[i]) && !failure(name.Name, spec.Values[i]):
							t.Errorf("%s: %s looks like state; pass it, or make it in a function", f.at(name), name.Name)
						}
					}
				}
			}
		}
	}
}

// failure says whether a variable is an error of a type of its own: errX = &problem{...}.
func failure(name string, e ast.Expr) bool {
	u, ok := e.(*ast.UnaryExpr)
	if !ok || u.Op != token.AND || !strings.HasPrefix(strings.ToLower(name), "err") {
		return false
	}
	_, ok = u.X.(*ast.CompositeLit)
	return ok
}

func comments(groups ...*ast.CommentGroup) string {
	var b strings.Builder
	for _, g := range groups {
		if g != nil {
			for _, c := range g.List {
				b.WriteString(c.Text)
			}
		}
	}
	return b.String()
}

// constant says whether an initial value is one that stays.
func constant(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.BasicLit, *ast.CompositeLit, *ast.FuncLit, *ast.Ident, *ast.SelectorExpr:
		return true
	case *ast.BinaryExpr:
		return constant(e.X) && constant(e.Y)
	case *ast.ParenExpr:
		return constant(e.X)
	case *ast.UnaryExpr: // a value that only its address matters of
		lit, ok := e.X.(*ast.CompositeLit)
		return e.Op != token.AND || ok && len(lit.Elts) == 0
	case *ast.CallExpr:
		switch f := e.Fun.(type) {
		case *ast.FuncLit: // a table that is worked out
			return true
		case *ast.IndexExpr: // of a type parameter, as reflect.TypeFor has
			return slices.Contains(constructors(), text(f.X))
		case *ast.Ident: // a function of the package or a conversion
			return f.Name != "make" && f.Name != "new"
		case *ast.ArrayType, *ast.ParenExpr:
			return true
		default:
			return slices.Contains(constructors(), text(f)) || conversion(f)
		}
	default:
		return false
	}
}

// conversion recognises T.method values of tables, such as strings.Fields("...").
func conversion(e ast.Expr) bool {
	return slices.Contains([]string{"strings.Fields", "strings.Split", "slices.Concat", "time.Duration"}, text(e))
}

func text(e ast.Expr) string {
	if s, ok := e.(*ast.SelectorExpr); ok {
		return text(s.X) + "." + s.Sel.Name
	}
	if i, ok := e.(*ast.Ident); ok {
		return i.Name
	}
	return "?"
}

// writes finds where identifiers are assigned to, also in part, in functions that do not declare them.
func writes(list []file) map[string]string {
	where := map[string]string{}
	for _, f := range list {
		for _, d := range f.ast.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok || fn.Body == nil {
				continue
			}
			own := declared(fn)
			note := func(e ast.Expr, n ast.Node) {
				if id := base(e); id != nil && !own[id.Name] {
					where[id.Name] = f.at(n)
				}
			}
			ranged := map[ast.Expr]bool{} // for range &table only saves the copy
			ast.Inspect(fn.Body, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.RangeStmt:
					ranged[n.X] = true
				case *ast.AssignStmt:
					if n.Tok != token.DEFINE {
						for _, l := range n.Lhs {
							note(l, n)
						}
					}
				case *ast.IncDecStmt:
					note(n.X, n)
				case *ast.UnaryExpr:
					if _, ok := n.X.(*ast.Ident); ok && n.Op == token.AND && !ranged[n] {
						note(n.X, n)
					}
				}
				return true
			})
		}
	}
	return where
}

// base is the identifier that x, x.f, x[i] and *x begin with.
func base(e ast.Expr) *ast.Ident {
	switch e := e.(type) {
	case *ast.Ident:
		return e
	case *ast.SelectorExpr:
		return base(e.X)
	case *ast.IndexExpr:
		return base(e.X)
	case *ast.StarExpr:
		return base(e.X)
	case *ast.ParenExpr:
		return base(e.X)
	default:
		return nil
	}
}

// declared names every variable that a function declares, parameters included.
func declared(fn *ast.FuncDecl) map[string]bool {
	own := map[string]bool{}
	ast.Inspect(fn, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.Field:
			for _, name := range n.Names {
				own[name.Name] = true
			}
		case *ast.AssignStmt:
			if n.Tok == token.DEFINE {
				for _, l := range n.Lhs {
					if id, ok := l.(*ast.Ident); ok {
						own[id.Name] = true
					}
				}
			}
		case *ast.RangeStmt:
			for _, e := range []ast.Expr{n.Key, n.Value} {
				if id, ok := e.(*ast.Ident); ok && n.Tok == token.DEFINE {
					own[id.Name] = true
				}
			}
		case *ast.ValueSpec:
			for _, name := range n.Names {
				own[name.Name] = true
			}
		}
		return true
	})
	return own
}

// most is how many lines a file may have. Beyond about 300 it should be split.
const most = 400

func TestAFileFitsTheEye(t *testing.T) {
	for name, list := range files(t) {
		if strings.HasSuffix(name, "test") {
			continue // a conformance suite is a list of cases
		}
		for _, f := range list {
			if ast.IsGenerated(f.ast) {
				continue
			}
			if n := f.set.Position(f.ast.FileEnd).Line; n > most {
				t.Errorf("%s/%s has %d lines, more than %d; split it at the second noun", f.pkg, f.name, n, most)
			}
		}
	}
}

func TestThereIsNoEmptyFolder(t *testing.T) {
	entries, err := os.ReadDir(filepath.Join(root, "internal"))
	if err != nil {
		t.Fatal(err)
	}
	all := files(t)
	for _, e := range entries {
		if e.Name() != "kit" && len(all["internal/"+e.Name()]) == 0 {
			t.Errorf("internal/%s has no Go file of its own; a folder is a feature that exists", e.Name())
		}
	}
}
