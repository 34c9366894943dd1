package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/kit/dbserver"
)

const mostLatency = 1.08

// effects orders goods of both shops, of each straight to MariaDB and captured, one request at a time and the two
// ways in turns. MariaDB flushes its log at each commit, as it does when nobody says otherwise.
func effects(ctx context.Context, b *bench) error {
	t, err := b.town(ctx, "--innodb-flush-log-at-trx-commit=1", "--innodb-doublewrite=1")
	if err != nil {
		return err
	}
	for _, language := range []struct {
		name string
		open func(ctx context.Context, t *town, captured bool) (string, error)
	}{{"shop-go", b.shopGo}, {"shop-java", b.shopJava}} {
		var at [2]string
		for i, captured := range []bool{false, true} {
			if at[i], err = language.open(ctx, t, captured); err != nil {
				return fmt.Errorf("%s: %w", language.name, err)
			}
		}
		for _, durable := range []bool{true, false} {
			level := 1
			if !durable {
				level = 2
			}
			if _, err := t.db.ExecContext(ctx, fmt.Sprintf("SET GLOBAL innodb_flush_log_at_trx_commit = %d", level)); err != nil {
				return err
			}
			if err := b.latency(ctx, language.name, at, durable); err != nil {
				return fmt.Errorf("%s: %w", language.name, err)
			}
		}
	}
	return nil
}

// latency is the median of each round, and the median of the rounds' ratios.
func (b *bench) latency(ctx context.Context, name string, at [2]string, durable bool) error {
	buyer := &buyer{client: &http.Client{Timeout: 10 * time.Second}}
	buyer.run(ctx, at, 2*b.writes) // warm
	var ratios, direct, captured []float64
	for range b.rounds {
		took := buyer.run(ctx, at, b.writes)
		if buyer.err != nil {
			return buyer.err
		}
		a, c := quantile(took[0], 0.5), quantile(took[1], 0.5)
		ratios = append(ratios, float64(c)/float64(a))
		direct, captured = append(direct, float64(a)), append(captured, float64(c))
	}
	ratio := median(ratios)
	value := fmt.Sprintf("%.3f (%s, %s)", ratio, ms(time.Duration(median(direct))), ms(time.Duration(median(captured))))
	if durable {
		b.table.add(name+" on MariaDB, POST /orders: median latency captured, times straight", value, fmt.Sprintf("at most %.2f", mostLatency), ratio <= mostLatency)
	} else {
		b.table.note("the same where a commit is not flushed (innodb_flush_log_at_trx_commit=2)", value)
	}
	return nil
}

// buyer sends orders.
type buyer struct {
	client *http.Client
	err    error // the first
}

// run orders n times each way, in turns.
func (y *buyer) run(ctx context.Context, at [2]string, n int) (took [2][]time.Duration) {
	for i := range 2 * n {
		way := (i + i/2) % 2 // A B B A
		d, err := y.order(ctx, at[way], way == 1)
		if err != nil {
			y.err = errors.Join(y.err, err)
			return took
		}
		took[way] = append(took[way], d)
	}
	return took
}

func (y *buyer) order(ctx context.Context, base string, marked bool) (time.Duration, error) {
	id := rand.Uint64()
	body := fmt.Sprintf(`{"user":%d,"buyer":{"first":"Wang","last":"Li"},"channel":"app","items":[{"sku":%d,"qty":1},{"sku":%d,"qty":2}]}`, 1+id%5000, 1+id%5, 6+id%5)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, base+"/orders", strings.NewReader(body))
	if err != nil {
		return 0, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Request-Id", fmt.Sprintf("bench-%016x", id))
	if marked { // as the gateway does
		req.Header.Set(v1.MarkHeader, v1.Mark{Run: fmt.Sprintf("%016x", id), Epoch: 1, Bucket: int(id % 10_000)}.String())
	}
	began := time.Now()
	resp, err := y.client.Do(req)
	if err != nil {
		return 0, err
	}
	raw, err := io.ReadAll(resp.Body)
	d := time.Since(began)
	if err = errors.Join(err, resp.Body.Close()); err != nil {
		return 0, err
	}
	if resp.StatusCode != http.StatusCreated {
		return 0, fmt.Errorf("%s answered %d: %s", base, resp.StatusCode, raw)
	}
	return d, nil
}

// shopGo starts the new shop.
func (b *bench) shopGo(ctx context.Context, t *town, captured bool) (string, error) {
	program, err := b.build(ctx, "./examples/shop-go")
	if err != nil {
		return "", err
	}
	at, args := t.maria.Addr, []string{"--listen", "127.0.0.1:0", "--dialect", "mariadb", "--payment", t.payment}
	if captured {
		at, args = t.proxy, append(args, "--proxied", "--register", t.admin)
	} else {
		args = append(args, "--create", "1000000000")
	}
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Env = append(os.Environ(), fmt.Sprintf("SHOP_DB=%s:%s@tcp(%s)/shop_go", t.maria.User, t.maria.Password, at))
	return b.listening(cmd)
}

// shopJava starts the old shop, the captured one under the agent.
func (b *bench) shopJava(ctx context.Context, t *town, captured bool) (string, error) {
	const driver = "/usr/share/java/mariadb-java-client.jar"
	if _, err := os.Stat(driver); err != nil {
		return "", fmt.Errorf("MariaDB's JDBC driver is missing, install libmariadb-java: %w", err)
	}
	dir, err := b.temp("java")
	if err != nil {
		return "", err
	}
	if out, err := exec.CommandContext(ctx, "javac", "-d", dir, "examples/shop-java/Shop.java").CombinedOutput(); err != nil {
		return "", fmt.Errorf("javac: %w\n%s", err, out)
	}
	at := t.maria.Addr
	args := []string{"-XX:+UseSerialGC", "-Xmx256m", "-cp", dir + string(os.PathListSeparator) + driver, "Shop", "--listen", "127.0.0.1:0", "--payment", t.payment}
	if captured {
		at = t.proxy
		agent := "-javaagent:bin/jindu-agent.jar=node=" + t.admin + ",service=shop,sql=proxy,forward=" + strings.TrimPrefix(t.payment, "http://")
		args = append(append([]string{agent, "-Xshare:off"}, args...), "--register", t.admin)
	}
	cmd := exec.CommandContext(ctx, "java", args...)
	cmd.Env = append(os.Environ(), fmt.Sprintf("SHOP_DB=jdbc:mariadb://%s/shop_java?user=%s&password=%s", at, t.maria.User, t.maria.Password))
	return b.listening(cmd)
}

// javaSchema is the old shop's tables and what it sells.
func javaSchema() ([]string, error) {
	raw, err := os.ReadFile(filepath.FromSlash("examples/shop-java/schema.sql"))
	if err != nil {
		return nil, fmt.Errorf("this is run at the root of the project: %w", err)
	}
	var out []string
	var plain bytes.Buffer
	for l := range bytes.Lines(raw) {
		if !bytes.HasPrefix(bytes.TrimSpace(l), []byte("--")) {
			plain.Write(l)
		}
	}
	for s := range strings.SplitSeq(plain.String(), ";") {
		if s = strings.TrimSpace(s); s != "" {
			out = append(out, s)
		}
	}
	return append(out,
		"INSERT INTO products SELECT seq, CONCAT('product ', seq), 10 + seq FROM seq_1_to_10",
		"INSERT INTO stock SELECT seq, 'old', 'old', 1000000000, '2026-01-01 08:00:00', 1 FROM seq_1_to_10",
		"INSERT INTO stock SELECT seq, 'new', 'new', 1000000000, '2026-01-01 08:00:00', 1 FROM seq_1_to_10",
	), nil
}

// schemas are both shops'; the new shop makes its tables itself.
func (b *bench) schemas(ctx context.Context, m *dbserver.Server) error {
	old, err := javaSchema()
	if err != nil {
		return err
	}
	if _, err := b.schema(ctx, m, "shop_java", old...); err != nil {
		return err
	}
	_, err = b.schema(ctx, m, "shop_go")
	return err
}
