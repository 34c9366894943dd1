package arch

import (
	"path"
	"slices"
	"strings"
	"testing"
)

// imports says which packages of the module each package may import. The first pattern that matches a
// package counts; * is one element of a path. What is not listed is forbidden. A new arrow needs a line
// here and a record in docs/adr.
const imports = `
api/v1:
sdk:                         api/v1
sdk/*:                       api/v1 sdk
sdk/*/*:                     api/v1 sdk sdk/*
console:

internal/kit/kind:
internal/kit/meter:
internal/kit/web:            api/v1 internal/kit/*
internal/kit/*:              internal/kit/*
internal/kit/*/*:            api/v1 internal/kit/*

internal/object:             api/v1 internal/kit/*
internal/object/*:           api/v1 internal/kit/* internal/object

internal/registry:           api/v1 internal/kit/*
internal/registry/*:         api/v1 internal/kit/* internal/registry

internal/route:              api/v1 internal/kit/* internal/registry

internal/gateway:            api/v1 internal/kit/* internal/registry internal/route
internal/gateway/*:          api/v1 internal/kit/* internal/registry internal/route internal/gateway

internal/migrate/compare:    api/v1 internal/kit/*
internal/migrate/evidence:   api/v1 internal/kit/* internal/migrate/compare
internal/migrate/row:        api/v1 internal/kit/*
internal/migrate/dialect:    api/v1 internal/kit/* internal/migrate/row
internal/migrate/sqltext:    api/v1 internal/kit/*
internal/migrate/writeset:   api/v1 internal/kit/*
internal/migrate/data:       api/v1 internal/kit/* internal/migrate/row
internal/migrate/data/datatest: api/v1 internal/kit/* internal/migrate/row internal/migrate/data
internal/migrate/effects:    api/v1 internal/kit/* internal/migrate/sqltext
internal/migrate/effects/*:  api/v1 internal/kit/* internal/migrate/row internal/migrate/dialect internal/migrate/sqltext internal/migrate/effects internal/migrate/dbtest
internal/migrate/sqldb:      api/v1 internal/kit/* internal/migrate/row internal/migrate/dialect internal/migrate/data internal/migrate/dbtest
internal/migrate/binlog:     api/v1 internal/kit/* internal/migrate/row internal/migrate/dialect internal/migrate/sqltext internal/migrate/data internal/migrate/dbtest
internal/migrate/pgoutput:   api/v1 internal/kit/* internal/migrate/row internal/migrate/dialect internal/migrate/sqltext internal/migrate/data internal/migrate/dbtest
internal/migrate/outbox:     api/v1 internal/kit/* internal/migrate/row internal/migrate/dialect internal/migrate/sqltext internal/migrate/data internal/migrate/dbtest
internal/migrate/replay:     api/v1 internal/kit/* internal/migrate/compare internal/migrate/evidence
internal/migrate/dbtest:     internal/kit/*
internal/migrate:            api/v1 internal/kit/* internal/registry internal/route internal/migrate/compare internal/migrate/evidence internal/migrate/writeset
internal/migrate/*:          api/v1 internal/kit/* internal/migrate

internal/load:               api/v1 internal/kit/*
internal/load/*:             api/v1 internal/kit/* internal/load

internal/demo:               api/v1 internal/kit/* internal/load examples/order-store/store
internal/demo/shop:          api/v1 internal/kit/* internal/load
internal/demo/*:             api/v1 internal/kit/* internal/load internal/load/* internal/demo internal/demo/shop examples/* examples/*/*

internal/app:                api/v1 console internal/kit/* internal/object internal/object/* internal/registry internal/registry/* internal/route internal/gateway internal/gateway/* internal/migrate internal/migrate/* internal/migrate/effects/* internal/load internal/load/* internal/demo internal/demo/*
cmd/jindu:                   api/v1 internal/kit/* internal/object internal/migrate/replay internal/app internal/load internal/load/* internal/demo internal/demo/*

examples/*:                  sdk sdk/* examples/*/*
examples/*/*:                sdk sdk/*
test/compare:                api/v1 internal/kit/* internal/migrate/compare internal/migrate/evidence internal/migrate/writeset
test/*:                      api/v1 internal/* internal/*/* cmd/* sdk
`

// arrows is the table, in its order.
func arrows(t *testing.T) (patterns []string, allowed map[string][]string) {
	t.Helper()
	allowed = map[string][]string{}
	for line := range strings.Lines(strings.TrimSpace(imports)) {
		from, to, ok := strings.Cut(strings.TrimSpace(line), ":")
		if from == "" {
			continue
		}
		if _, twice := allowed[from]; twice || !ok {
			t.Fatalf("line of the table: %s", line)
		}
		patterns, allowed[from] = append(patterns, from), strings.Fields(to)
	}
	return patterns, allowed
}

func matches(pattern, name string) bool {
	ok, err := path.Match(pattern, name)
	return err == nil && ok
}

func TestEveryImportIsInTheTable(t *testing.T) {
	patterns, allowed := arrows(t)
	for _, p := range packages(t) {
		i := slices.IndexFunc(patterns, func(pattern string) bool { return matches(pattern, p.short()) })
		if i < 0 {
			t.Errorf("%s has no line in the table: decide what it may import", p.short())
			continue
		}
		for _, imp := range p.Imports {
			to, ours := strings.CutPrefix(imp, modulePath+"/")
			if ours && !slices.ContainsFunc(allowed[patterns[i]], func(pattern string) bool { return matches(pattern, to) }) {
				t.Errorf("%s imports %s, which the table does not allow; declare a port and let internal/app connect", p.short(), to)
			}
		}
	}
}

// TestDriversDoNotKnowEachOther holds what the pattern internal/x/* cannot say.
func TestDriversDoNotKnowEachOther(t *testing.T) {
	for _, p := range packages(t) {
		part, driver := driverOf(p.short())
		if driver == "" {
			continue
		}
		for _, imp := range p.Imports {
			to, ours := strings.CutPrefix(imp, modulePath+"/")
			if otherPart, other := driverOf(to); ours && other != "" && (otherPart != part || other != driver) && !library(to) && !strings.HasPrefix(part, "demo") {
				t.Errorf("driver %s imports driver %s", p.short(), to)
			}
		}
	}
}

// library packages stand beside a core without talking to the world.
func library(name string) bool {
	switch name {
	case "internal/migrate/compare", "internal/migrate/evidence", "internal/migrate/writeset", "internal/migrate/sqltext",
		"internal/migrate/row", "internal/migrate/dialect", "internal/migrate/data", "internal/migrate/dbtest":
		return true
	}
	return false
}

// driverOf splits internal/<part>/<driver>.
func driverOf(name string) (part, driver string) {
	e := strings.Split(name, "/")
	if len(e) != 3 || e[0] != "internal" || e[1] == "kit" || library(name) {
		return "", ""
	}
	return e[1], e[2]
}

// reasons says why core packages may not import these packages, or those below them.
const reasons = `
net/http         an edge: speak of requests in the part's own words; drivers know HTTP
database/sql     declare a store port
os               files and variables are given, by a driver or by internal/app
os/exec          drivers and commands start processes
syscall          drivers know the system
log              pass a *slog.Logger, or return events
unsafe           no core is that hot
google.golang.org/protobuf          wire formats belong to drivers
github.com/danielgtaylor/huma       the API belongs to httpapi drivers
github.com/spf13                    the command line belongs to cmd
go.etcd.io                          stores belong to drivers
`

// core lists the packages that compute: input, state and time in; output and effects out.
func core() []string {
	return []string{
		"internal/object", "internal/registry", "internal/route", "internal/gateway",
		"internal/migrate", "internal/migrate/compare", "internal/migrate/evidence", "internal/migrate/writeset", "internal/migrate/sqltext",
		"internal/migrate/row", "internal/migrate/dialect", "internal/migrate/data", "internal/load", "internal/kit/kind",
	}
}

func TestCoreKnowsNoDriverOfTheWorld(t *testing.T) {
	for _, p := range packages(t) {
		if !slices.Contains(core(), p.short()) {
			continue
		}
		for _, imp := range p.Imports {
			for line := range strings.Lines(strings.TrimSpace(reasons)) {
				bad, why, _ := strings.Cut(strings.TrimSpace(line), " ")
				if imp == bad || strings.HasPrefix(imp, bad+"/") && bad != "os" && bad != "log" {
					t.Errorf("%s imports %s: %s", p.short(), imp, strings.TrimSpace(why))
				}
			}
		}
	}
}

func TestEveryPackageSaysWhatItIs(t *testing.T) {
	for _, p := range packages(t) {
		want := "Package " + p.Name + " "
		if p.Name == "main" {
			want = "Command " + path.Base(p.short()) + " "
		}
		if len(p.GoFiles) > 0 && !strings.HasPrefix(p.Doc, want) {
			t.Errorf("%s: its doc does not begin with %q", p.short(), want)
		}
	}
}
