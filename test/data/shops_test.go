package data

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	shopjava "jindu.dev/jindu/examples/shop-java"

	"jindu.dev/jindu/examples/shop-go/shop"
	"jindu.dev/jindu/examples/shop-payment/payment"
	"jindu.dev/jindu/internal/migrate/dbtest"
)

const perSide = 500

// stand is one shop with its database and its payment provider.
type stand struct {
	name     string
	dialect  string // old, mariadb or postgres
	base     string
	db       *sql.DB
	provider *payment.Provider
}

func newProvider(t *testing.T) (*payment.Provider, string) {
	p := payment.New()
	s := httptest.NewServer(p.Handler())
	t.Cleanup(s.Close)
	return p, s.URL
}

// goShop is a shop in this process.
func goShop(t *testing.T, e engine, change func(*shop.Config)) *stand {
	t.Helper()
	schema := e.server.Schema(t)
	p, url := newProvider(t)
	c := shop.Config{DB: e.server.DSN(schema), Dialect: e.name, Payment: url, Side: "new", Log: slog.New(slog.DiscardHandler)}
	if change != nil {
		change(&c)
	}
	if err := shop.Create(t.Context(), c, perSide); err != nil {
		t.Fatal(err)
	}
	s, err := shop.Open(c)
	if err != nil {
		t.Fatal(err)
	}
	var reporter nobody
	h := httptest.NewServer(reporter.Middleware(s.Handler()))
	t.Cleanup(func() { h.Close(); _ = s.Close() })
	return &stand{"shop-go on " + e.name, e.name, h.URL, e.server.DB(t, schema), p}
}

// javaShop is a shop in a process of its own.
func javaShop(t *testing.T) *stand {
	t.Helper()
	server := dbtest.MariaDB(t)
	schema := server.Schema(t)
	db := server.DB(t, schema)
	sqlExec(t, db, append(shop.Statements(shopjava.Schema), shop.Seed("old", perSide)...)...)
	p, url := newProvider(t)
	base := startJava(t, "jdbc:mariadb://"+server.Addr+"/"+schema+"?user="+server.User+"&password="+server.Password, "--payment", url)
	return &stand{"shop-java", "old", base, db, p}
}

// answer of a request, with what differs from shop to shop taken out.
type answer struct {
	endpoint string
	status   int
	state    string
	body     string
}

// buyer is a client that remembers the ids that it was told.
type buyer struct {
	t     *testing.T
	stand *stand
	ids   []string
	said  []answer
	n     int
}

var (
	ids    = regexp.MustCompile(`\b[JGT][0-9a-f]{16,20}\b`)
	stamps = regexp.MustCompile(`\d{4}-\d\d-\d\dT[0-9:.]+\+08:00`)
)

// plain replaces ids by the order of their appearance, and times.
func (b *buyer) plain(s string) string {
	s = ids.ReplaceAllStringFunc(s, func(id string) string {
		at := slices.Index(b.ids, id)
		if at < 0 {
			at = len(b.ids)
			b.ids = append(b.ids, id)
		}
		return fmt.Sprintf("%s#%d", strings.NewReplacer("J", "O", "G", "O").Replace(id[:1]), at)
	})
	return stamps.ReplaceAllString(s, "TIME")
}

func (b *buyer) do(endpoint, method, path, body string, header ...string) string {
	b.t.Helper()
	req, err := http.NewRequestWithContext(b.t.Context(), method, b.stand.base+path, strings.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	b.said = append(b.said, answer{endpoint, resp.StatusCode, b.plain(resp.Header.Get("X-Jindu-State")), b.plain(string(raw))})
	return string(raw)
}

// order places one and gives its id and the payment's transaction.
func (b *buyer) order(user int, items string) (id, transaction string, total json.Number) {
	b.t.Helper()
	b.n++
	return b.again(b.n, user, items)
}

func (b *buyer) again(n, user int, items string) (id, transaction string, total json.Number) {
	b.t.Helper()
	raw := b.do("POST /orders", http.MethodPost, "/orders",
		fmt.Sprintf(`{"user":%d,"buyer":{"first":"Wang & <Söhne>","last":"李"},"channel":"app","items":[%s]}`, user, items), "X-Request-Id", fmt.Sprintf("r-%d", n))
	var o struct {
		ID      string
		Total   json.Number
		Payment struct{ Transaction string }
	}
	_ = json.Unmarshal([]byte(raw), &o) // an order that was refused has none of it
	return o.ID, o.Payment.Transaction, o.Total
}

func (b *buyer) confirm(id, transaction string, total json.Number) {
	b.do("POST /callbacks/{id}", http.MethodPost, "/callbacks/"+id, fmt.Sprintf(`{"transaction":%q,"amount":%s}`, transaction, total))
}

func (b *buyer) cancel(id string) {
	b.do("POST /orders/{id}/cancel", http.MethodPost, "/orders/"+id+"/cancel", "")
}

func (b *buyer) see(id string) {
	b.do("GET /orders/{id}", http.MethodGet, "/orders/"+id, "")
}

// shopping is a story that has everything in it.
func (b *buyer) shopping() {
	first, t1, total1 := b.order(5, `{"sku":1,"qty":2},{"sku":7,"qty":3},{"sku":3,"qty":1}`)
	second, t2, total2 := b.order(6, `{"sku":20,"qty":1}`)
	third, _, _ := b.order(7, `{"sku":4,"qty":9},{"sku":2,"qty":1}`)
	b.again(1, 5, `{"sku":1,"qty":2},{"sku":7,"qty":3},{"sku":3,"qty":1}`) // the same request again
	b.see(first)
	b.confirm(first, t1, total1)
	b.confirm(first, t1, total1)
	b.confirm(second, t2, total2)
	b.see(first)
	b.cancel(second) // paid: money goes back
	b.cancel(third)  // not paid
	b.cancel(third)
	b.see(second)
	b.see(third)
	b.confirm(third, "T0123456789abcdef", "1.00") // too late
	b.do("GET /users/{id}/orders", http.MethodGet, "/users/5/orders", "")
	b.do("GET /users/{id}/orders", http.MethodGet, "/users/99/orders", "")
	for _, sku := range []string{"1", "4", "20", "21", "x"} {
		b.do("GET /stock/{sku}", http.MethodGet, "/stock/"+sku, "")
	}
}

// mistakes are requests that are refused.
func (b *buyer) mistakes() {
	for _, body := range []string{
		``, `{`, `[]`, `null`, `{"user":1}`, `{"user":1,"buyer":{"first":"a","last":"b"},"items":[]}`,
		`{"user":1,"buyer":{"first":"a|b","last":"b"},"items":[{"sku":1,"qty":1}]}`,
		`{"user":1,"buyer":{"first":"","last":"b"},"items":[{"sku":1,"qty":1}]}`,
		`{"user":0,"buyer":{"first":"a","last":"b"},"items":[{"sku":1,"qty":1}]}`,
		`{"user":1.5,"buyer":{"first":"a","last":"b"},"items":[{"sku":1,"qty":1}]}`,
		`{"user":1,"buyer":{"first":"a","last":"b"},"items":[{"sku":1,"qty":0}]}`,
		`{"user":1,"buyer":{"first":"a","last":"b"},"items":[{"sku":1,"qty":1},{"sku":1,"qty":1}]}`,
		`{"user":1,"buyer":{"first":"a","last":"b"},"items":[{"sku":999,"qty":1}]}`,
	} {
		b.do("POST /orders", http.MethodPost, "/orders", body, "X-Request-Id", "m-1")
	}
	b.do("POST /orders", http.MethodPost, "/orders", `{"user":1,"buyer":{"first":"a","last":"b"},"items":[{"sku":1,"qty":1}]}`)
	for range 6 { // more than a side has
		b.order(8, `{"sku":9,"qty":100}`)
	}
	b.see("J0000")
	b.cancel("J0000")
	b.confirm("J0000", "T1", "1.00")
	b.confirm("J0000", "T1", "1.005")
	b.do("POST /callbacks/{id}", http.MethodPost, "/callbacks/J0000", `{}`)
	b.do("GET /", http.MethodGet, "/nothing", "")
	b.do("GET /healthz", http.MethodGet, "/healthz", "")
}

// rows of every table in a form that is the same for all schemas.
func (s *stand) rows(b *buyer) map[string][]string {
	b.t.Helper()
	queries := map[string]string{
		"stock":    "SELECT sku, side, owner, available, version FROM stock ORDER BY sku, side",
		"messages": "SELECT topic, order_id, body FROM messages ORDER BY topic, changed_at, order_id",
	}
	if s.dialect == "old" {
		queries["messages"] = strings.ReplaceAll(queries["messages"], "changed_at", "changed")
		queries["orders"] = `SELECT request, id, uid, buyer_name, channel, CASE status WHEN 'C' THEN 'created' WHEN 'P' THEN 'paid' ELSE 'cancelled' END,
			CAST(total * 100 AS SIGNED), owner, version, ABS(TIMESTAMPDIFF(HOUR, created, CONVERT_TZ(UTC_TIMESTAMP(), '+00:00', '+08:00'))) FROM orders ORDER BY request`
		queries["order_items"] = "SELECT o.request, i.line, i.sku, i.qty, CAST(i.price * 100 AS SIGNED), i.stock_side FROM order_items i JOIN orders o ON o.id = i.order_id ORDER BY 1, 2"
		queries["payments"] = `SELECT o.request, CAST(p.amount * 100 AS SIGNED), p.provider_txn, CASE p.status WHEN 'W' THEN 'pending' WHEN 'P' THEN 'paid' WHEN 'R' THEN 'refunded' ELSE 'void' END, p.version
			FROM payments p JOIN orders o ON o.id = p.order_id ORDER BY 1`
	} else {
		hours := "ABS(TIMESTAMPDIFF(HOUR, created_at, CURRENT_TIMESTAMP))"
		if s.dialect == "postgres" {
			hours = "FLOOR(ABS(EXTRACT(EPOCH FROM created_at - now())) / 3600)::BIGINT"
		}
		queries["orders"] = "SELECT request, id, user_id, CONCAT(buyer_first, '|', buyer_last), channel, status, total_cents, owner, version, " + hours + " FROM orders ORDER BY request"
		queries["order_items"] = "SELECT o.request, i.line, i.sku, i.qty, i.price_cents, i.stock_side FROM order_items i JOIN orders o ON o.id = i.order_id ORDER BY 1, 2"
		queries["payments"] = "SELECT o.request, p.amount_cents, p.provider_txn, p.status, p.version FROM payments p JOIN orders o ON o.id = p.order_id ORDER BY 1"
	}
	all := map[string][]string{}
	for name, query := range queries {
		for _, row := range table(b.t, s.db, query) {
			text := b.plain(strings.Join(row, "  "))
			if s.dialect == "old" { // what the one side calls its own, the other does too
				text = strings.NewReplacer("  old", "  new", "  new", "  old").Replace(text)
			}
			all[name] = append(all[name], text)
		}
		slices.Sort(all[name])
	}
	book := s.provider.Book()
	for _, c := range book.Charges {
		all["charges"] = append(all["charges"], b.plain(fmt.Sprintf("%s %s %s", c.Order, c.Amount, c.Transaction)))
	}
	return all
}

func differences(a, b map[string][]string) []string {
	var diff []string
	for name := range a {
		if !slices.Equal(a[name], b[name]) {
			diff = append(diff, fmt.Sprintf("%s:\n  %s\nand\n  %s", name, strings.Join(a[name], "\n  "), strings.Join(b[name], "\n  ")))
		}
	}
	return diff
}

func TestBothShopsAnswerAndWriteAlike(t *testing.T) {
	old := &buyer{t: t, stand: javaShop(t)}
	old.shopping()
	old.mistakes()
	oldRows := old.stand.rows(old)
	engines(t, func(t *testing.T, e engine) {
		b := &buyer{t: t, stand: goShop(t, e, nil)}
		b.shopping()
		b.mistakes()
		for i := range old.said {
			if old.said[i] != b.said[i] {
				t.Errorf("%d: shop-java said %+v\nshop-go %+v", i, old.said[i], b.said[i])
			}
		}
		for _, d := range differences(oldRows, b.stand.rows(b)) {
			t.Error(d)
		}
	})
	conserved(t, old.stand)
}

func TestTheNewShopDoesNotDependOnItsDatabase(t *testing.T) {
	var first *buyer
	engines(t, func(t *testing.T, e engine) {
		b := &buyer{t: t, stand: goShop(t, e, nil)}
		b.shopping()
		b.mistakes()
		if first == nil {
			first = b
			return
		}
		if !slices.Equal(first.said, b.said) {
			t.Errorf("%v\nand %v", first.said, b.said)
		}
	})
}

// conserved holds what may be sold and what was sold against what there was.
func conserved(t *testing.T, s *stand) {
	t.Helper()
	for _, d := range unconserved(t, s) {
		t.Errorf("%s: %s", s.name, d)
	}
}

func unconserved(t *testing.T, s *stand) (wrong []string) {
	t.Helper()
	alive := "o.status <> 'cancelled'"
	if s.dialect == "old" {
		alive = "o.status <> 'X'"
	}
	for _, row := range table(t, s.db, `SELECT s.sku, s.side, s.available + COALESCE((SELECT SUM(i.qty) FROM order_items i JOIN orders o ON o.id = i.order_id
		WHERE i.sku = s.sku AND i.stock_side = s.side AND `+alive+`), 0) FROM stock s`) {
		if row[2] != fmt.Sprint(perSide) {
			wrong = append(wrong, fmt.Sprintf("of sku %s, side %s, there are %s", row[0], row[1], row[2]))
		}
	}
	return wrong
}

// crowd places orders from many clients at the same time, some of them twice, and cancels every third.
func crowd(t *testing.T, s *stand) {
	t.Helper()
	var wg sync.WaitGroup
	for c := range 8 {
		wg.Go(func() {
			b := &buyer{t: t, stand: s, n: c * 1000}
			for i := range 12 {
				id, transaction, total := b.order(1+i%7, fmt.Sprintf(`{"sku":%d,"qty":1},{"sku":1,"qty":2}`, 2+(c+i)%5))
				b.again(b.n, 1+i%7, fmt.Sprintf(`{"sku":%d,"qty":1},{"sku":1,"qty":2}`, 2+(c+i)%5))
				if i%3 == 0 {
					b.cancel(id)
				} else {
					b.confirm(id, transaction, total)
				}
			}
			for _, a := range b.said {
				if a.status/100 != 2 {
					t.Errorf("%s: %+v", s.name, a)
				}
			}
		})
	}
	wg.Wait()
	count := table(t, s.db, "SELECT COUNT(*) FROM orders")[0][0]
	if count != "96" {
		t.Errorf("%s: %s orders", s.name, count)
	}
	if book := s.provider.Book(); book.Booked != 96 || book.Shadows != 0 {
		t.Errorf("%s: %d charges", s.name, book.Booked)
	}
}

func TestACrowdLosesNothing(t *testing.T) {
	engines(t, func(t *testing.T, e engine) {
		s := goShop(t, e, nil)
		crowd(t, s)
		conserved(t, s)
	})
	t.Run("java", func(t *testing.T) {
		s := javaShop(t)
		crowd(t, s)
		conserved(t, s)
	})
}

// TestDefectsShowInRowsAlone: with a defect planted the answer of its request is as it should be, and what it
// wrote or asked for is not.
func TestDefectsShowInRowsAlone(t *testing.T) {
	e := engine{"mariadb", dbtest.MariaDB(t)}
	clean := &buyer{t: t, stand: goShop(t, e, nil)}
	clean.shopping()
	should := clean.stand.rows(clean)
	for _, d := range shop.Defects() {
		t.Run(d.Name, func(t *testing.T) {
			b := &buyer{t: t, stand: goShop(t, e, func(c *shop.Config) { c.Defect = d.Name })}
			if d.Name == shop.LostUpdate { // it needs two at the same time
				crowd(t, b.stand)
				if len(unconserved(t, b.stand)) == 0 {
					t.Error("nothing was lost")
				}
				return
			}
			b.shopping()
			if len(differences(should, b.stand.rows(b))) == 0 {
				t.Error("it leaves no trace")
			}
			for i := range clean.said {
				if a := b.said[i]; a.endpoint == d.Endpoint && !shownLater(d.Name, i) && a != clean.said[i] {
					t.Errorf("answer %d shows it: %+v instead of %+v", i, a, clean.said[i])
				}
			}
		})
	}
}

// shownLater says that an answer to a later request shows a defect of a former one: what it reads again.
func shownLater(defect string, i int) bool {
	switch defect {
	case shop.MissingItem: // the same request again
		return i == 3
	case shop.ForgottenPayment, shop.StaleVersion: // callbacks answer with the payment, and with the version that they found
		return true
	}
	return false
}

func TestHandedOverStockAndOrdersChangeSides(t *testing.T) {
	engines(t, func(t *testing.T, e engine) {
		s := goShop(t, e, nil)
		b := &buyer{t: t, stand: s}
		id, _, _ := b.order(1, `{"sku":2,"qty":100}`)
		sqlExec(t, s.db, "UPDATE orders SET owner = 'old'")
		b.cancel(id)
		if a := b.said[1]; a.status != 409 || !strings.Contains(a.body, "other_owner") {
			t.Errorf("%+v", a)
		}
		sqlExec(t, s.db, "UPDATE orders SET owner = 'new'", "UPDATE stock SET owner = 'new'")
		for range 9 { // 400 of its own, then 500 that were the other side's
			b.order(1, `{"sku":2,"qty":100}`)
		}
		b.order(1, `{"sku":2,"qty":1}`)
		if a := b.said[len(b.said)-1]; a.status != 409 || !strings.Contains(a.body, "sold_out") {
			t.Errorf("%+v", a)
		}
		if a := b.said[len(b.said)-2]; a.status != 201 {
			t.Errorf("%+v", a)
		}
		b.cancel(id)
		conserved(t, s)
	})
}

// send is one request with headers.
func send(ctx context.Context, t *testing.T, base, method, path, body string, header map[string]string) (int, http.Header, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, method, base+path, bytes.NewReader([]byte(body)))
	if err != nil {
		t.Fatal(err)
	}
	for k, v := range header {
		req.Header.Set(k, v)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, resp.Header, string(raw)
}

// TestCopiesAreServedAsTheirOwnSideWould: a copy of a request takes the other side's stock and changes the
// other side's orders; so its effects compare. Here nothing undoes them, which lets them be seen.
func TestCopiesAreServedAsTheirOwnSideWould(t *testing.T) {
	proxied := func(c *shop.Config) { c.Proxied = true }
	for _, s := range []*stand{
		javaShop(t), goShop(t, engine{"mariadb", dbtest.MariaDB(t)}, proxied), goShop(t, engine{"postgres", dbtest.Postgres(t)}, proxied),
	} {
		side := "new"
		if s.dialect == "old" {
			side = "old"
		}
		theirs := map[string]string{"old": "new", "new": "old"}[side]
		header := map[string]string{"X-Request-Id": "copy", "X-Jindu-Shadow": "m", "X-Jindu-Mark": "jindu:" + runID + ":s:1:7"}
		status, h, body := send(t.Context(), t, s.base, http.MethodPost, "/orders", `{"user":1,"buyer":{"first":"a","last":"b"},"items":[{"sku":2,"qty":3}]}`, header)
		var o struct{ ID string }
		if err := json.Unmarshal([]byte(body), &o); err != nil || status != 201 || h.Get("X-Jindu-State") != "rcopy:false" {
			t.Fatalf("%s: %d %s %v", s.name, status, body, h)
		}
		if got := table(t, s.db, "SELECT o.owner, i.stock_side, s.available FROM orders o JOIN order_items i ON i.order_id = o.id JOIN stock s ON s.sku = i.sku AND s.side = i.stock_side"); fmt.Sprint(got) != fmt.Sprintf("[[%s %s 497]]", theirs, theirs) {
			t.Errorf("%s: %v", s.name, got)
		}
		if status, _, body := send(t.Context(), t, s.base, http.MethodPost, "/orders/"+o.ID+"/cancel", "", header); status != 200 {
			t.Errorf("%s: %d %s", s.name, status, body)
		}
		if b := s.provider.Book(); side == "new" && (b.Booked != 0 || b.Shadows != 1) { // for the old shop the agent says so
			t.Errorf("%s: %+v", s.name, b)
		}
	}
}
