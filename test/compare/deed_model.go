package main

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/migrate/compare"
	"jindu.dev/jindu/internal/migrate/writeset"
)

// deed is what one run of a request said and did, under construction.
type deed struct {
	reply
	effects []v1.Effect
}

// store is one side's database: what it counts up, and how much of each thing is left. The old side's moves
// on with every user's request; a shadow's writes are rolled back, but what it counted up stays counted.
type store struct {
	next map[string]int64
	left map[string]int64
}

func newStore(first int64) *store {
	return &store{next: map[string]int64{"": first}, left: map[string]int64{}}
}

// id is the next number of a table.
func (s *store) id(table string) string {
	if _, ok := s.next[table]; !ok {
		s.next[table] = s.next[""]
	}
	s.next[table]++
	return strconv.FormatInt(s.next[table], 10)
}

// stock is how much of a thing is left.
func (s *store) stock(sku string) int64 {
	if _, ok := s.left[sku]; !ok {
		s.left[sku] = 5000
	}
	return s.left[sku]
}

// settle makes the updates of a run last.
func (s *store) settle(effects []v1.Effect) {
	for i := range effects {
		e := &effects[i]
		if at := find(e.After, "left"); e.Target == "stock" && e.Op == "update" && at >= 0 {
			n, err := strconv.ParseInt(*e.After[at].Value, 10, 64)
			if err != nil {
				panic(err) // a defect of this program
			}
			s.left[*e.Key[0].Value] = n
		}
	}
}

// answer is what the run said and, as a document, what it did.
func (d *deed) answer() compare.Answer {
	a := d.reply.answer()
	if d.failure != "" {
		return a
	}
	ws := writeset.WriteSet{}
	for _, e := range d.effects {
		ws.Told = append(ws.Told, writeset.Told{Capture: "database:shop", Effect: e})
	}
	a.Effects = writeset.Document(ws, nil)
	return a
}

// cols are columns, written name, value, name, value; the value "\x00" is NULL.
func cols(list ...string) []v1.ColumnValue {
	out := make([]v1.ColumnValue, 0, len(list)/2)
	for i := 0; i < len(list); i += 2 {
		c := v1.ColumnValue{Name: list[i]}
		if list[i+1] != null {
			c.Value = &list[i+1]
		}
		out = append(out, c)
	}
	return out
}

const null = "\x00"

func insert(table string, after ...string) v1.Effect {
	all := cols(after...)
	return v1.Effect{Kind: v1.EffectRow, Op: "insert", Target: table, Key: all[:min(len(all), 1)], After: all}
}

// update changes columns, written name, before, after.
func update(table string, key []v1.ColumnValue, change ...string) v1.Effect {
	e := v1.Effect{Kind: v1.EffectRow, Op: "update", Target: table, Key: key}
	for i := 0; i < len(change); i += 3 {
		e.Before = append(e.Before, cols(change[i], change[i+1])...)
		e.After = append(e.After, cols(change[i], change[i+2])...)
	}
	return e
}

func remove(table string, before ...string) v1.Effect {
	all := cols(before...)
	return v1.Effect{Kind: v1.EffectRow, Op: "delete", Target: table, Key: all[:1], Before: all}
}

func redis(op, key string, args ...string) v1.Effect {
	return v1.Effect{Kind: v1.EffectRedis, Op: op, Target: key, Args: args}
}

func send(topic string, body object) v1.Effect {
	return v1.Effect{Kind: v1.EffectMessage, Op: "send", Target: topic, Body: encode(body)}
}

func call(target string, body object) v1.Effect {
	return v1.Effect{Kind: v1.EffectCall, Op: "POST", Target: target, Body: encode(body)}
}

func encode(body object) string {
	b, err := json.Marshal(body)
	if err != nil {
		panic(err) // a defect of this program: bodies are plain values
	}
	return string(b)
}

func find(list []v1.ColumnValue, name string) int {
	for i := range list {
		if list[i].Name == name {
			return i
		}
	}
	return -1
}

// perform runs a request on one side: base decides what is the same on both, dice what is noise.
type perform func(req *request, base, dice *rand.Rand, flaky float64, db *store) *deed

// shop is the simulated service that writes.
var shop = []struct {
	endpoint string
	perform  perform
}{
	{"POST /orders", placeOrder},
	{"POST /payments/{id}", payOrder},
	{"PUT /carts/{id}", changeCart},
	{"POST /refunds", refund},
	{"POST /shipments", ship},
	{"PUT /users/{id}/address", moveHouse},
}

func said(body object, effects ...v1.Effect) *deed {
	return &deed{reply: *newReply(body), effects: effects}
}

func amount(base *rand.Rand) string { return string(money(int64(100 + base.IntN(900_000)))) }

// canonical is a decimal as databases of all kinds are read: without trailing zeros.
func canonical(s string) string {
	for s != "" && s[len(s)-1] == '0' {
		s = s[:len(s)-1]
	}
	if s != "" && s[len(s)-1] == '.' {
		s = s[:len(s)-1]
	}
	return s
}

func instant(req *request, dice *rand.Rand) string {
	return now(req, dice).UTC().Format("2006-01-02T15:04:05.000000Z")
}

func word(dice *rand.Rand, rate float64, usual, other string) string {
	if dice.Float64() < rate {
		return other
	}
	return usual
}

func placeOrder(req *request, base, dice *rand.Rand, flaky float64, db *store) *deed {
	user, order, at := strconv.FormatUint(req.subject, 10), db.id("orders"), instant(req, dice)
	total, tax, discount := amount(base), fmt.Sprintf("%d.%03d", base.IntN(900), 1+base.IntN(999)), canonical(amount(base))
	var items, stock []v1.Effect
	var lines []any
	n := 1 + base.IntN(4)
	for i := range n {
		sku, qty := fmt.Sprintf("SKU-%02d%03d", i, base.IntN(200)), int64(1+base.IntN(5))
		price := amount(base)
		items = append(items, insert("order_items", "id", db.id("order_items"), "order_id", order, "sku", sku, "qty", strconv.FormatInt(qty, 10), "price", canonical(price)))
		left := db.stock(sku)
		stock = append(stock, update("stock", cols("sku", sku), "left", strconv.FormatInt(left, 10), strconv.FormatInt(left-qty, 10),
			"version", strconv.FormatInt(left/7, 10), strconv.FormatInt(left/7+1, 10)))
		lines = append(lines, object{"sku": sku, "qty": qty, "price": json.Number(price)})
	}
	if dice.Float64() < flaky { // two threads write the lines
		dice.Shuffle(n, func(i, j int) { items[i], items[j] = items[j], items[i] })
	}
	event := uuid(dice)
	d := said(object{"orderId": json.Number(order), "total": json.Number(total), "discount": json.Number(discount), "status": "NEW", "placedAt": at, "cache": flip(dice, flaky, "HIT", "MISS")},
		insert("orders", "id", order, "user_id", user, "total", canonical(total), "tax", canonical(tax), "shipping", canonical(amount(base)), "discount", discount,
			"status", "NEW", "currency", "CNY", "created_at", at, "node", word(dice, flaky, "a", "b")))
	d.effects = append(append(d.effects, items...), stock...)
	d.effects = append(d.effects,
		insert("outbox", "id", event, "topic", "orders", "order_id", order, "at", at),
		redis("DEL", "cart:"+user), redis("HINCRBY", "stats:orders", "count", "1"),
		send("orders", object{"event": event, "orderId": json.Number(order), "total": json.Number(total), "items": lines, "at": at, "trace": flip(dice, flaky, "on", "off")}),
		call("pay.example/charges", object{"orderId": json.Number(order), "amount": json.Number(total), "currency": "CNY", "key": uuid(dice)}))
	if dice.Float64() < flaky/5 {
		d.effects = append(d.effects, insert("slow_log", "id", db.id("slow_log"), "took", strconv.Itoa(dice.IntN(900))))
	}
	if dice.Float64() < flaky/25 {
		d.status, d.body, d.effects = 503, object{"error": "busy"}, nil
	}
	return d
}

func payOrder(req *request, base, dice *rand.Rand, flaky float64, db *store) *deed {
	order, at, sum := strconv.FormatUint(req.entity%10_000_000, 10), instant(req, dice), canonical(amount(base))
	version := int64(base.IntN(9))
	entry := func(account, amount string) v1.Effect {
		return insert("ledger", "id", uuid(dice), "order_id", order, "account", account, "amount", amount, "fee", "0", "booked_at", at)
	}
	d := said(object{"order": json.Number(order), "paid": true, "at": at, "channel": pick(base, "wx", "ali"), "warm": flip(dice, flaky/3, true, false)},
		update("orders", cols("id", order), "status", "NEW", "PAID", "paid_at", null, at, "version", strconv.FormatInt(version, 10), strconv.FormatInt(version+1, 10)),
		entry("cash:"+pick(base, "1", "2"), sum), entry("revenue", "-"+sum),
		redis("SET", "order:"+order, encode(object{"status": "PAID", "sum": json.Number(sum), "at": at}), "EX", "3600"),
		send("payments", object{"type": "accepted", "order": json.Number(order), "id": uuid(dice), "at": at}),
		send("payments", object{"type": "settled", "order": json.Number(order), "id": uuid(dice), "at": at, "node": flip(dice, flaky, "a", "b")}))
	if dice.Float64() >= flaky/4 { // a cache that is filled on a miss only
		d.effects = append(d.effects, redis("SADD", "paid:"+at[:10], order))
	}
	return d
}

func changeCart(req *request, base, dice *rand.Rand, flaky float64, db *store) *deed {
	cart, at := strconv.FormatUint(req.subject, 10), instant(req, dice)
	d := said(object{"cart": json.Number(cart), "total": json.Number(amount(base)), "lines": 2, "at": at, "promo": flip(dice, flaky, "A", "B")})
	for i := range 2 {
		d.effects = append(d.effects, remove("cart_lines", "id", strconv.FormatUint(req.entity%900_000*2+uint64(i), 10), "sku", "x"))
	}
	for i := range 1 + base.IntN(3) {
		sku, qty := fmt.Sprintf("SKU-%05d", 1000*i+base.IntN(999)), strconv.Itoa(1+base.IntN(5))
		d.effects = append(d.effects, insert("cart_lines", "id", db.id("cart_lines"), "cart_id", cart, "sku", sku, "qty", qty, "note", word(dice, flaky/10, "", "gift")),
			redis("HSET", "cart:"+cart, sku, qty))
	}
	seen := strconv.Itoa(dice.IntN(40)) // each database has another past
	d.effects = append(d.effects, redis("EXPIRE", "cart:"+cart, "86400"),
		update("carts", cols("id", cart), "updated_at", "2026-02-01T00:00:00Z", at, "agent", "app/"+seen, word(dice, 0.5, "app/"+seen+"+", "web/"+seen), "changes", seen, next(seen)))
	return d
}

func next(s string) string {
	n, err := strconv.Atoi(s)
	if err != nil {
		panic(err) // a defect of this program
	}
	return strconv.Itoa(n + 1)
}

func refund(req *request, base, dice *rand.Rand, flaky float64, db *store) *deed {
	order, at, sum := strconv.FormatUint(req.entity%10_000_000, 10), instant(req, dice), canonical(amount(base))
	id, sku := "R-"+uuid(dice), fmt.Sprintf("SKU-00%03d", base.IntN(200))
	left, before := db.stock(sku), canonical(amount(base))
	return said(object{"refund": id, "order": json.Number(order), "amount": json.Number(sum), "state": "OPEN", "at": at, "region": flip(dice, flaky/20, "cn-1", "cn-2")},
		insert("refunds", "id", id, "order_id", order, "amount", sum, "state", "OPEN", "reason", pick(base, "late", "broken", "尺码不对"), "at", at, "worker", word(dice, flaky, "w1", "w2")),
		update("orders", cols("id", order), "refunded", before, plus(before, sum)),
		update("stock", cols("sku", sku), "left", strconv.FormatInt(left, 10), strconv.FormatInt(left+1, 10)),
		call("bank.example/refunds/"+order, object{"amount": json.Number(sum), "ref": id, "at": at}),
		send("refunds", object{"refund": id, "order": json.Number(order), "amount": json.Number(sum), "reason": "x", "at": at, "hop": flip(dice, flaky, whole(1), whole(2))}))
}

// plus adds two decimals of at most two places.
func plus(a, b string) string {
	x, err1 := strconv.ParseFloat(a, 64)
	y, err2 := strconv.ParseFloat(b, 64)
	if err1 != nil || err2 != nil {
		panic(a + " " + b) // a defect of this program
	}
	return canonical(string(money(int64(x*100+0.5) + int64(y*100+0.5))))
}

func ship(req *request, base, dice *rand.Rand, flaky float64, db *store) *deed {
	order, at := strconv.FormatUint(req.entity%10_000_000, 10), instant(req, dice)
	id, local := db.id("shipments"), now(req, dice).Add(8*time.Hour).UTC().Format("2006-01-02T15:04:05")
	address := fmt.Sprintf("%d %s Road, Building %d, Unit %d", 1+base.IntN(999), pick(base, "Nanjing", "Huaihai", "Zhongshan"), base.IntN(90), base.IntN(9000))
	weight := strconv.Itoa(100 + base.IntN(9000))
	return said(object{"shipment": json.Number(id), "order": json.Number(order), "label": "L" + weight, "at": at, "queue": flip(dice, flaky, "fast", "slow")},
		insert("shipments", "id", id, "order_id", order, "address", address, "weight", weight, "shipped_at", local, "carrier", pick(base, "SF", "YTO")),
		update("orders", cols("id", order), "status", "PAID", "SHIPPED", "shipment_id", null, id),
		v1.Effect{Kind: v1.EffectSQL, Op: "insert", Target: "audit", Text: "INSERT INTO audit(who, what, subject) VALUES (?, ?, ?)", Args: []string{"ship", pick(base, "manual", "auto"), order}, Rows: 1},
		call("carrier.example/parcels", object{"order": json.Number(order), "grams": json.Number(weight), "ref": json.Number(id), "insured": base.IntN(2) == 0}),
		send("shipments", object{"shipment": json.Number(id), "order": json.Number(order), "at": at}),
		redis("ZADD", "shipments:open", weight, order))
}

func moveHouse(req *request, base, dice *rand.Rand, flaky float64, db *store) *deed {
	user, at := strconv.FormatUint(req.subject, 10), instant(req, dice)
	city, zip := pick(base, "上海", "杭州", "Xi'an"), fmt.Sprintf("0%05d", base.IntN(99_999))
	return said(object{"user": json.Number(user), "verified": req.subject%20 == 0, "email": pick(base, "ann@shop.example", "bob@shop.example"), "at": at, "tier": flip(dice, flaky, "x", "y")},
		update("users", cols("id", user), "city", "北京", city, "zip", "100000", zip, "verified", "false", strconv.FormatBool(req.subject%20 == 0), "updated_at", "2026-01-01T00:00:00Z", at,
			"etag", hex(dice), hex(dice)),
		insert("address_history", "id", db.id("address_history"), "user_id", user, "city", "北京", "until", at, "source", word(dice, flaky/2, "app", "web")),
		redis("DEL", "user:"+user), redis("DEL", "address:"+user),
		send("users", object{"user": json.Number(user), "city": city, "zip": zip, "at": at, "seq": flip(dice, flaky, whole(1), whole(2))}))
}

func hex(dice *rand.Rand) string { return fmt.Sprintf("%016x", dice.Uint64()) }
