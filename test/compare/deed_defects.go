package main

import (
	"encoding/json"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	v1 "jindu.dev/jindu/api/v1"
)

// misdeed is one planted defect in what a request does.
type misdeed struct {
	name     string
	endpoint int    // of shop
	path     string // where it shows in what was done, or in the answer when answer is the only place
	// answer is where the answer shows it as well, "" where it does not: then no comparison of answers can
	// find it.
	answer string
	echoes []string // where it shows too; reporting them is neither right nor wrong
	rate   float64  // share of requests that meet it
	when   func(req *request) bool
	plant  func(d *deed, req *request, dice *rand.Rand)
}

type plant = func(d *deed, req *request, dice *rand.Rand)

// effect changes the first effect on a target with an operation.
func effect(target, op string, change func(e *v1.Effect)) plant {
	return func(d *deed, _ *request, _ *rand.Rand) {
		for i := range d.effects {
			e := &d.effects[i]
			if e.Target == target || strings.HasPrefix(e.Target, target+":") || strings.HasPrefix(e.Target, target+"/") {
				if op == "" || e.Op == op {
					change(e)
					return
				}
			}
		}
	}
}

// wrote changes a column of the first row that was written.
func wrote(table, op, column string, change func(string) string) plant {
	return effect(table, op, func(e *v1.Effect) {
		e.After = slices.Clone(e.After)
		if i := find(e.After, column); i >= 0 && e.After[i].Value != nil {
			s := change(*e.After[i].Value)
			e.After[i] = cols(column, s)[0]
		}
	})
}

// undone leaves out every effect on a target with an operation.
func undone(target, op string) plant {
	return func(d *deed, _ *request, _ *rand.Rand) {
		d.effects = slices.DeleteFunc(d.effects, func(e v1.Effect) bool {
			return (e.Target == target || strings.HasPrefix(e.Target, target+":")) && e.Op == op
		})
	}
}

// doubled does the first effect on a target twice.
func doubled(target, op string, change func(e *v1.Effect)) plant {
	return func(d *deed, _ *request, _ *rand.Rand) {
		for i := range d.effects {
			if e := d.effects[i]; e.Target == target && e.Op == op {
				e.Key, e.After = slices.Clone(e.Key), slices.Clone(e.After)
				if change != nil {
					change(&e)
				}
				d.effects = slices.Insert(d.effects, i+1, e)
				return
			}
		}
	}
}

// both sets a member of the answer and a column that was written.
func both(member string, v any, p plant) plant {
	return func(d *deed, req *request, dice *rand.Rand) {
		if d.status != 200 {
			return
		}
		d.body[member] = v
		p(d, req, dice)
	}
}

// payload changes a member of the body of a message or call.
func payload(target, op string, change func(body object)) plant {
	return effect(target, op, func(e *v1.Effect) {
		var body object
		decoder := json.NewDecoder(strings.NewReader(e.Body))
		decoder.UseNumber()
		if err := decoder.Decode(&body); err != nil {
			panic(err) // a defect of this program
		}
		change(body)
		e.Body = encode(body)
	})
}

func becomes(s string) func(string) string { return func(string) string { return s } }

func ownKey(e *v1.Effect) {
	other := *e.Key[0].Value + "7"
	e.Key = cols(e.Key[0].Name, other)
	if i := find(e.After, e.Key[0].Name); i >= 0 {
		e.After[i] = e.Key[0]
	}
}

// misdeeds are the kinds of defect. Thirteen of fifty show in the answer as well, or only there: what a
// service writes wrongly it seldom says wrongly.
var misdeeds = []misdeed{
	{name: "two columns mixed up", endpoint: 0, path: "effects.row.orders[].after.shipping", echoes: []string{"effects.row.orders[].after.tax"}, rate: 1, plant: effect("orders", "insert", func(e *v1.Effect) {
		e.After = slices.Clone(e.After)
		i, j := find(e.After, "shipping"), find(e.After, "tax")
		e.After[i].Value, e.After[j].Value = e.After[j].Value, e.After[i].Value
	})},
	{name: "row written twice", endpoint: 0, path: "effects.row.order_items", rate: 0.05, plant: doubled("order_items", "insert", ownKey)},
	{name: "lost update of stock", endpoint: 0, path: "effects.row.stock[].change.left.by", echoes: []string{"effects.row.stock[].change.left"}, rate: 0.05, plant: wrote("stock", "update", "left", func(s string) string { return string(whole(atoi(s) + 1)) })},
	{name: "message not sent", endpoint: 0, path: "effects.message.orders", rate: 0.04, plant: undone("orders", "send")},
	{name: "call made twice", endpoint: 0, path: `effects.call["POST pay.example/charges"]`, rate: 0.05, plant: doubled("pay.example/charges", "POST", nil)},
	{name: "rounded in the database only", endpoint: 0, path: "effects.row.orders[].after.tax", rate: 1, plant: wrote("orders", "insert", "tax", func(s string) string {
		if i := strings.IndexByte(s, '.'); i >= 0 && len(s) > i+3 {
			return canonical(s[:i+3])
		}
		return s
	})},
	{name: "no outbox row", endpoint: 0, path: "effects.row.outbox", rate: 0.05, plant: undone("outbox", "insert")},
	{name: "discount lost for one class", endpoint: 0, path: "effects.row.orders[].after.discount", answer: "$.discount", rate: 1, when: func(req *request) bool { return req.subject%20 == 0 }, plant: both("discount", json.Number("0"), wrote("orders", "insert", "discount", becomes("0")))},
	{name: "status wrong, and said so", endpoint: 0, path: "effects.row.orders[].after.status", answer: "$.status", rate: 0.1, plant: both("status", "OPEN", wrote("orders", "insert", "status", becomes("OPEN")))},
	{name: "time zone, and said so", endpoint: 0, path: "effects.row.orders[].after.created_at", answer: "$.placedAt", rate: 0.3, plant: func(d *deed, req *request, dice *rand.Rand) {
		if d.status == 200 {
			wrong := shiftedText("2006-01-02T15:04:05.000000Z", 8*time.Hour)
			d.body["placedAt"] = wrong(d.body["placedAt"].(string))
			wrote("orders", "insert", "created_at", wrong)(d, req, dice)
		}
	}},
	{name: "stock of another thing", endpoint: 0, path: "effects.row.stock[].key.sku", rate: 0.06, plant: effect("stock", "update", func(e *v1.Effect) { e.Key = cols("sku", "SKU-99999") })},

	{name: "NULL for 0", endpoint: 1, path: "effects.row.ledger[].after.fee", rate: 1, plant: wrote("ledger", "insert", "fee", becomes(null))},
	{name: "version not raised", endpoint: 1, path: "effects.row.orders[].change.version", rate: 1, plant: effect("orders", "update", func(e *v1.Effect) {
		drop := func(c v1.ColumnValue) bool { return c.Name == "version" }
		e.Before, e.After = slices.DeleteFunc(slices.Clone(e.Before), drop), slices.DeleteFunc(slices.Clone(e.After), drop)
	})},
	{name: "wrong time to live", endpoint: 1, path: `effects.redis["order:{}"][].ops[].SET.arg3`, rate: 1, plant: effect("order", "SET", func(e *v1.Effect) { e.Args = []string{e.Args[0], "EX", "36000"} })},
	{name: "messages out of order", endpoint: 1, path: "effects.message.payments", rate: 0.08, plant: func(d *deed, _ *request, _ *rand.Rand) {
		var at []int
		for i := range d.effects {
			if d.effects[i].Target == "payments" {
				at = append(at, i)
			}
		}
		d.effects[at[0]], d.effects[at[1]] = d.effects[at[1]], d.effects[at[0]]
	}},
	{name: "wrong Redis key", endpoint: 1, path: `effects.redis["order:{}"]`, echoes: []string{`effects.redis["orders:{}"]`}, rate: 1, plant: effect("order", "SET", func(e *v1.Effect) { e.Target = strings.Replace(e.Target, "order:", "orders:", 1) })},
	{name: "account of another customer", endpoint: 1, path: "effects.row.ledger[].after.account", rate: 0.05, plant: wrote("ledger", "insert", "account", becomes("cash:9"))},
	{name: "status misspelt in the row", endpoint: 1, path: "effects.row.orders[].change.status.to", rate: 0.3, plant: wrote("orders", "update", "status", becomes("PAIDD"))},
	{name: "not paid, and said so", endpoint: 1, path: "effects.row.orders[].change.status.to", answer: "$.paid", rate: 0.05, plant: both("paid", false, wrote("orders", "update", "status", becomes("OPEN")))},
	{name: "channel wrong in the answer", endpoint: 1, path: "$.channel", answer: "$.channel", rate: 1, plant: func(d *deed, _ *request, _ *rand.Rand) { d.body["channel"] = "card" }},

	{name: "rows not deleted", endpoint: 2, path: "effects.row.cart_lines", rate: 0.1, plant: undone("cart_lines", "delete")},
	{name: "update without its condition", endpoint: 2, path: "effects.row.carts", rate: 0.04, plant: doubled("carts", "update", func(e *v1.Effect) { e.Key = cols("id", *e.Key[0].Value+"01") })},
	{name: "key without expiry", endpoint: 2, path: `effects.redis["cart:{}"][].ops`, rate: 1, plant: undone("cart", "EXPIRE")},
	{name: "cached quantity is off", endpoint: 2, path: `effects.redis["cart:{}"][].ops[].HSET.arg2`, rate: 0.1, plant: effect("cart", "HSET", func(e *v1.Effect) { e.Args = []string{e.Args[0], e.Args[1] + "0"} })},
	{name: "total wrong in the answer", endpoint: 2, path: "$.total", answer: "$.total", rate: 0.2, plant: func(d *deed, _ *request, _ *rand.Rand) { d.body["total"] = json.Number("0.01") }},
	{name: "count wrong in the answer", endpoint: 2, path: "$.lines", answer: "$.lines", rate: 0.05, plant: func(d *deed, _ *request, _ *rand.Rand) { d.body["lines"] = 3 }},
	{name: "quantity stored off by one", endpoint: 2, path: "effects.row.cart_lines[].after.qty", rate: 0.06, plant: wrote("cart_lines", "insert", "qty", next)},
	{name: "counter raised twice", endpoint: 2, path: "effects.row.carts[].change.changes.by", rate: 0.1, plant: wrote("carts", "update", "changes", next)},

	{name: "amount with the wrong sign, and said so", endpoint: 3, path: "effects.row.refunds[].after.amount", answer: "$.amount", rate: 1, plant: func(d *deed, req *request, dice *rand.Rand) {
		d.body["amount"] = json.Number("-" + string(d.body["amount"].(json.Number)))
		wrote("refunds", "insert", "amount", func(s string) string { return "-" + s })(d, req, dice)
	}},
	{name: "refund booked twice on the order", endpoint: 3, path: "effects.row.orders[].change.refunded.by", rate: 0.05, plant: wrote("orders", "update", "refunded", func(s string) string { return plus(s, s) })},
	{name: "call with cents for yuan", endpoint: 3, path: `effects.call["POST bank.example/refunds/{}"][].body.amount`, rate: 1, plant: payload("bank.example/refunds", "POST", func(b object) { b["amount"] = json.Number(string(b["amount"].(json.Number)) + "1") })},
	{name: "field of a message lost", endpoint: 3, path: "effects.message.refunds[].body.reason", rate: 1, plant: payload("refunds", "send", func(b object) { delete(b, "reason") })},
	{name: "message names another refund", endpoint: 3, path: "effects.message.refunds[].body.refund", echoes: []string{"effects.row.refunds[].after.id", "$.refund", `effects.call["POST bank.example/refunds/{}"][].body.ref`}, rate: 0.2, plant: func(d *deed, req *request, dice *rand.Rand) {
		payload("refunds", "send", func(b object) { b["refund"] = "R-" + uuid(dice) })(d, req, dice)
	}},
	{name: "wrong table", endpoint: 3, path: "effects.row.refunds", echoes: []string{"effects.row.refunds_old"}, rate: 0.05, plant: effect("refunds", "insert", func(e *v1.Effect) { e.Target = "refunds_old" })},
	{name: "state wrong, and said so", endpoint: 3, path: "effects.row.refunds[].after.state", answer: "$.state", rate: 0.1, plant: both("state", "DONE", wrote("refunds", "insert", "state", becomes("DONE")))},

	{name: "call to another carrier", endpoint: 4, path: `effects.call["POST carrier.example/parcels"]`, echoes: []string{`effects.call["POST carrier.example/letters"]`}, rate: 0.05, plant: effect("carrier.example/parcels", "POST", func(e *v1.Effect) { e.Target = "carrier.example/letters" })},
	{name: "arguments of a statement swapped", endpoint: 4, path: "effects.sql.audit[].arg1", echoes: []string{"effects.sql.audit[].arg2"}, rate: 1, plant: effect("audit", "insert", func(e *v1.Effect) {
		e.Args = []string{e.Args[1], e.Args[0], e.Args[2]}
	})},
	{name: "time zone in the row", endpoint: 4, path: "effects.row.shipments[].after.shipped_at", rate: 1, plant: wrote("shipments", "insert", "shipped_at", shiftedText("2006-01-02T15:04:05", -8*time.Hour))},
	{name: "text cut by the column", endpoint: 4, path: "effects.row.shipments[].after.address", rate: 1, plant: wrote("shipments", "insert", "address", func(s string) string { return s[:20] })},
	{name: "label wrong, and stored so", endpoint: 4, path: "effects.row.shipments[].after.weight", answer: "$.label", rate: 0.1, plant: both("label", "L0", wrote("shipments", "insert", "weight", becomes("0")))},
	{name: "insurance of a call lost", endpoint: 4, path: `effects.call["POST carrier.example/parcels"][].body.insured`, rate: 1, plant: payload("carrier.example/parcels", "POST", func(b object) { b["insured"] = false })},
	{name: "score lost", endpoint: 4, path: `effects.redis["shipments:open"][].ops[].ZADD.arg2`, rate: 0.05, plant: effect("shipments", "ZADD", func(e *v1.Effect) { e.Args = []string{e.Args[0], "0"} })},
	{name: "server error for some", endpoint: 4, path: "status", answer: "status", rate: 0.04, plant: func(d *deed, _ *request, _ *rand.Rand) { d.status, d.body = 500, object{"error": "oops"} }},

	{name: "history not written", endpoint: 5, path: "effects.row.address_history", rate: 0.05, plant: undone("address_history", "insert")},
	{name: "broken charset in the row", endpoint: 5, path: "effects.row.users[].change.city.to", rate: 1, plant: wrote("users", "update", "city", func(s string) string {
		return strings.Map(func(r rune) rune {
			if r > 127 {
				return '?'
			}
			return r
		}, s)
	})},
	{name: "leading zero lost", endpoint: 5, path: "effects.row.users[].change.zip.to", rate: 1, plant: wrote("users", "update", "zip", func(s string) string { return strings.TrimLeft(s, "0") })},
	{name: "cache not cleared", endpoint: 5, path: `effects.redis["user:{}"]`, rate: 0.06, plant: undone("user", "DEL")},
	{name: "flag flipped for one class, and said so", endpoint: 5, path: "effects.row.users[].change.verified", answer: "$.verified", rate: 1, when: func(req *request) bool { return req.subject%20 == 0 }, plant: both("verified", false, wrote("users", "update", "verified", becomes("false")))},
	{name: "row of another user", endpoint: 5, path: "effects.row.users[].key.id", rate: 0.05, plant: effect("users", "update", func(e *v1.Effect) { e.Key = cols("id", *e.Key[0].Value+"3") })},
	{name: "case of an address in the answer", endpoint: 5, path: "$.email", answer: "$.email", rate: 0.5, plant: func(d *deed, _ *request, _ *rand.Rand) { d.body["email"] = strings.ToUpper(d.body["email"].(string)) }},
}

func atoi(s string) int64 {
	n, err := json.Number(s).Int64()
	if err != nil {
		panic(err) // a defect of this program
	}
	return n
}

func shiftedText(layout string, by time.Duration) func(string) string {
	return func(s string) string {
		at, err := time.Parse(layout, s)
		if err != nil {
			panic(err) // a defect of this program
		}
		return at.Add(by).Format(layout)
	}
}
