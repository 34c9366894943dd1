package scene

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	v1 "jindu.dev/jindu/api/v1"
	newshop "jindu.dev/jindu/examples/shop-go/shop"
	shopjava "jindu.dev/jindu/examples/shop-java"
	"jindu.dev/jindu/internal/demo/shop"
	"jindu.dev/jindu/internal/kit/dbserver"
	"jindu.dev/jindu/internal/kit/kind"
	"jindu.dev/jindu/internal/kit/screen"
)

// DataOptions of the command demo data.
type DataOptions struct {
	Defect   string
	To       string // mariadb or postgres: the new side's database
	Fast     bool
	Keep     bool
	Headless bool
	Install  bool
	Rate     float64 // requests a second; 0: 150
	Report   string  // file; empty: none
	Agent    string  // jindu-agent.jar; empty: beside this program
	Driver   string  // MariaDB's JDBC driver; empty: where the package libmariadb-java puts it
	Program  string  // this binary; empty: os.Executable
	Env      func(string) string
}

// stockEach is what each side may sell of each product: more than the buyers of a demo ask for.
const stockEach = 200_000

// RunData plays the demo of data on out.
func RunData(ctx context.Context, o DataOptions, dial shop.Dial, out io.Writer) (shop.Outcome, error) {
	says, err := shopDefect(o.Defect)
	if err != nil {
		return shop.Outcome{}, err
	}
	if o.To != "mariadb" && o.To != "postgres" {
		return shop.Outcome{}, kind.New(kind.Invalid, "JD-DEMO-006", "--to %q: the new side's database is mariadb or postgres", o.To)
	}
	if o.Program == "" {
		if o.Program, err = os.Executable(); err != nil {
			return shop.Outcome{}, fmt.Errorf("find this program: %w", err)
		}
	}
	if o.Rate == 0 {
		o.Rate = 150
	}
	s := screen.Open(struct{ io.Writer }{out}, o.Env) // lines only: there is more to read than to watch
	pace := shop.NormalPace()
	if o.Fast {
		pace = shop.FastPace()
	}
	initial := map[string]int64{}
	for sku := range newshop.Products {
		initial[fmt.Sprint(sku+1)] = 2 * stockEach
	}
	st := &dataStage{o: o, stage: &stage{o: Options{Program: o.Program, Install: o.Install}, failed: make(chan error, 1)}}
	outcome, err := shop.Story(ctx, shop.Options{Defect: o.Defect, Says: says, Pace: pace, Rate: o.Rate, Initial: initial, Keep: o.Keep, Now: time.Now}, st, dial, s)
	if err != nil || o.Report == "" {
		return outcome, err
	}
	raw, err := json.MarshalIndent(outcome.Report, "", "  ")
	if err == nil {
		err = os.WriteFile(o.Report, append(raw, '\n'), 0o644)
	}
	if err != nil {
		return outcome, fmt.Errorf("write the report: %w", err)
	}
	return outcome, nil
}

// ShopDefects are the mistakes that can be planted.
func ShopDefects() []newshop.Defect { return newshop.Defects() }

func shopDefect(name string) (says string, err error) {
	if name == "" {
		return "", nil
	}
	var names []string
	for _, d := range newshop.Defects() {
		if d.Name == name {
			return d.Says, nil
		}
		names = append(names, d.Name)
	}
	return "", kind.New(kind.Invalid, "JD-DEMO-001", "--defect %q is not known: there are %s", name, strings.Join(names, ", "))
}

// dataStage implements shop.Stage.
type dataStage struct {
	o       DataOptions
	stage   *stage
	servers []*dbserver.Server
	old     *sql.DB // past Jindu, for the Judge
	fresh   *sql.DB
	newAddr string // the proxy in front of the new side's database
	payment string
}

// Failed delivers the error of a process that ended by itself.
func (s *dataStage) Failed() <-chan error { return s.stage.failed }

// Close stops everything.
func (s *dataStage) Close() {
	s.stage.Close()
	for _, db := range []*sql.DB{s.old, s.fresh} {
		if db != nil {
			_ = db.Close() // its server goes too
		}
	}
	for _, server := range slices.Backward(s.servers) {
		server.Kill()
	}
}

const (
	oldSchema = "shop_old"
	newSchema = "shop_new"
)

// Open starts the databases, the payment provider, a node and the old shop.
func (s *dataStage) Open(ctx context.Context, say func(string)) (shop.Place, error) {
	maria, err := s.server(ctx, dbserver.KindMariaDB, say)
	if err != nil {
		return shop.Place{}, err
	}
	target := maria
	if s.o.To == "postgres" {
		if target, err = s.server(ctx, dbserver.KindPostgres, say); err != nil {
			return shop.Place{}, err
		}
	}
	if err := s.schemas(ctx, maria, target); err != nil {
		return shop.Place{}, err
	}
	provider, err := s.stage.start("payment", s.stage.self("shop-payment"))
	if err != nil {
		return shop.Place{}, err
	}
	address, err := provider.listening(ctx)
	if err != nil {
		return shop.Place{}, err
	}
	s.payment = "http://" + address
	proxies, err := freePorts(ctx, 2)
	if err != nil {
		return shop.Place{}, err
	}
	s.newAddr = proxies[1]
	extra, err := s.nodeConfig(maria, target, proxies)
	if err != nil {
		return shop.Place{}, err
	}
	s.stage.extra = extra
	gateway, err := s.stage.node(ctx)
	if err != nil {
		return shop.Place{}, err
	}
	runtime, err := s.oldShop(ctx, maria, proxies[0], say)
	if err != nil {
		return shop.Place{}, err
	}
	p := shop.Place{
		Node: s.stage.admin, Gateway: "http://" + gateway, Console: s.stage.admin.base + "/", OldRuntime: runtime, NewRuntime: newRuntime,
		OldData: v1.DataSide{Database: "shop-old", Capture: "binlog"}, NewData: v1.DataSide{Database: "shop-new", Capture: "binlog"},
		OldStore: "MariaDB", NewStore: "MariaDB",
		Effects: v1.EffectsSpec{Old: []string{"report", "proxy:shop-old", "database:shop-old"}, New: []string{"report", "proxy:shop-new", "database:shop-new"}, Settle: "3s"},
	}
	if target != maria {
		p.NewStore, p.NewData.Capture = "PostgreSQL", "pgoutput"
	}
	return p, nil
}

// server starts a database in a temporary directory, after installing it by package name where that is permitted.
func (s *dataStage) server(ctx context.Context, k dbserver.Kind, say func(string)) (*dbserver.Server, error) {
	name := map[dbserver.Kind]string{dbserver.KindMariaDB: "mariadb-server", dbserver.KindPostgres: "postgresql"}[k]
	if _, missing := dbserver.Find(k); missing != "" {
		if !s.o.Install {
			return nil, kind.New(kind.Unavailable, "JD-DEMO-007", "%s is not installed: run with --install, or apt-get install %s", k, name)
		}
		say("installing " + name)
		if err := install(ctx, name); err != nil {
			return nil, kind.New(kind.Unavailable, "JD-DEMO-007", "%s is not installed: %w", k, err)
		}
	}
	dir, err := s.stage.mkdir()
	if err != nil {
		return nil, err
	}
	say(fmt.Sprintf("starting %s", k))
	server, err := dbserver.New(k, dir)
	if err != nil {
		return nil, kind.New(kind.Unavailable, "JD-DEMO-008", "%w", err)
	}
	s.servers = append(s.servers, server)
	return server, nil
}

// schemas makes both sides' tables. The new side has the tables and no rows: they come across.
func (s *dataStage) schemas(ctx context.Context, maria, target *dbserver.Server) error {
	for _, make := range []struct {
		on     *dbserver.Server
		schema string
	}{{maria, oldSchema}, {target, newSchema}} {
		db, err := make.on.Open("")
		if err != nil {
			return fmt.Errorf("connect to %s: %w", make.on.Kind, err)
		}
		_, err = db.ExecContext(ctx, "CREATE DATABASE "+make.schema)
		if err = errors.Join(err, db.Close()); err != nil {
			return fmt.Errorf("create %s: %w", make.schema, err)
		}
	}
	var err error
	if s.old, err = maria.Open(oldSchema); err != nil {
		return fmt.Errorf("connect to %s: %w", oldSchema, err)
	}
	if s.fresh, err = target.Open(newSchema); err != nil {
		return fmt.Errorf("connect to %s: %w", newSchema, err)
	}
	for _, work := range []struct {
		db         *sql.DB
		statements []string
	}{
		{s.old, append(newshop.Statements(shopjava.Schema), newshop.Seed("old", stockEach)...)},
		{s.fresh, newshop.Schema(s.o.To)},
	} {
		for _, statement := range work.statements {
			if _, err := work.db.ExecContext(ctx, statement); err != nil {
				return fmt.Errorf("make the tables: %w", err)
			}
		}
	}
	return nil
}

// nodeConfig is what the node is told of databases and proxies.
func (s *dataStage) nodeConfig(maria, target *dbserver.Server, proxies []string) (string, error) {
	dir, err := s.stage.mkdir()
	if err != nil {
		return "", err
	}
	password := filepath.Join(dir, "password")
	if err := os.WriteFile(password, []byte(maria.Password), 0o600); err != nil {
		return "", fmt.Errorf("write the node's configuration: %w", err)
	}
	protocol := "mysql"
	if target != maria {
		protocol = "postgres"
	}
	return fmt.Sprintf(`data:
  databases:
    shop-old: {kind: mariadb, address: %q, schema: %s, user: %q, password: "file:%s", tls: "off"}
    shop-new: {kind: %s, address: %q, schema: %s, user: %q, password: "file:%s", tls: "off"}
effects:
  proxies:
    shop-old: {protocol: mysql, listen: %q, upstream: %q, unmarked: refuse, shadow: {mode: rollback}}
    shop-new: {protocol: %s, listen: %q, upstream: %q, unmarked: refuse, shadow: {mode: rollback}}
`, maria.Addr, oldSchema, maria.User, password, target.Kind, target.Addr, newSchema, target.User, password,
		proxies[0], maria.Addr, protocol, proxies[1], target.Addr), nil
}

// oldShop starts the old shop behind its proxy, in Java under the agent.
func (s *dataStage) oldShop(ctx context.Context, maria *dbserver.Server, proxy string, say func(string)) (string, error) {
	runtime, err := s.javaShop(ctx, maria, proxy, say)
	if err != nil && ctx.Err() == nil {
		return "", kind.New(kind.Unavailable, "JD-DEMO-009", "the old shop cannot run: %w", err)
	}
	return runtime, err
}

func (s *dataStage) javaShop(ctx context.Context, maria *dbserver.Server, proxy string, say func(string)) (string, error) {
	j, err := findJDK(ctx)
	if err != nil && s.o.Install {
		say("installing a JDK: " + javaPackages[0])
		if err = install(ctx, javaPackages...); err == nil {
			j, err = findJDK(ctx)
		}
	}
	if err != nil {
		return "", err
	}
	agent, driver, err := s.jars(ctx, say)
	if err != nil {
		return "", err
	}
	temp, err := s.stage.mkdir()
	if err != nil {
		return "", err
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = temp
	}
	program := javaProgram{name: "Shop", source: shopjava.Source, classpath: driver, options: []string{
		"-javaagent:" + agent + "=" + strings.Join([]string{
			"node=" + s.stage.admin.base, "service=" + shop.Name, "fence=optional", "sql=proxy", "forward=" + strings.TrimPrefix(s.payment, "http://"),
		}, ","),
	}}
	url := fmt.Sprintf("jdbc:mariadb://%s/%s?user=%s&password=%s", proxy, oldSchema, maria.User, maria.Password)
	command, err := j.command(ctx, program, filepath.Join(cache, "jindu"), temp, "--listen", "127.0.0.1:0", "--payment", s.payment,
		"--register", s.stage.admin.base, "--meta", fmt.Sprintf("runtime=java%d,version=1.0,shadow-safe=true", j.feature))
	if err != nil {
		return "", err
	}
	cmd := s.stage.self(append([]string{"guard", temp}, command...)...)
	cmd.Env = append(os.Environ(), "SHOP_DB="+url) // not on the command line, which others can see
	return fmt.Sprint("java", j.feature), s.enter(ctx, "shop-java", cmd)
}

// jars are the agent and the JDBC driver.
func (s *dataStage) jars(ctx context.Context, say func(string)) (agent, driver string, err error) {
	agent, driver = s.o.Agent, s.o.Driver
	if agent == "" {
		agent = filepath.Join(filepath.Dir(s.o.Program), "jindu-agent.jar")
	}
	if _, err := os.Stat(agent); err != nil {
		return "", "", fmt.Errorf("the Java agent is not at %s: build it with make agent, or say where it is with --agent", agent)
	}
	if driver == "" {
		driver = "/usr/share/java/mariadb-java-client.jar"
	}
	if _, err := os.Stat(driver); err != nil && s.o.Install && s.o.Driver == "" {
		say("installing libmariadb-java")
		if err := install(ctx, "libmariadb-java"); err != nil {
			return "", "", err
		}
	}
	if _, err := os.Stat(driver); err != nil {
		return "", "", fmt.Errorf("MariaDB's JDBC driver is not at %s: install the package libmariadb-java, or say where it is with --driver", driver)
	}
	return agent, driver, nil
}

// enter starts a shop and waits until it listens.
func (s *dataStage) enter(ctx context.Context, name string, cmd *exec.Cmd) error {
	p, err := s.stage.start(name, cmd)
	if err != nil {
		return err
	}
	wait, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	_, err = p.listening(wait)
	return err
}

// Enter starts the new shop behind its proxy.
func (s *dataStage) Enter(ctx context.Context) error {
	server := s.servers[len(s.servers)-1]
	dsn := fmt.Sprintf("%s:%s@tcp(%s)/%s", server.User, server.Password, s.newAddr, newSchema)
	if s.o.To == "postgres" {
		dsn = fmt.Sprintf("postgres://%s:%s@%s/%s?sslmode=disable", server.User, server.Password, s.newAddr, newSchema)
	}
	cmd := s.stage.self("shop-go", "--payment", s.payment, "--register", s.stage.admin.base, "--dialect", s.o.To, "--defect", s.o.Defect)
	cmd.Env = append(os.Environ(), "SHOP_DB="+dsn)
	return s.enter(ctx, "shop-go", cmd)
}
