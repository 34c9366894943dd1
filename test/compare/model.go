package main

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/migrate/compare"
)

// object is a JSON object under construction.
type object = map[string]any

// request is one request: what the deterministic part of its answer depends on.
type request struct {
	subject uint64
	entity  uint64  // what is asked for
	late    float64 // place in the run, from 0 to 1
	at      time.Time
}

// reply is an answer under construction, before it is encoded.
type reply struct {
	status  int
	failure string
	header  map[string]string
	body    object
}

// render makes the answer that one side gives to a request: base decides what is the same on both sides,
// dice what is noise. flaky is the rate of the flaky fields.
type render func(req *request, base, dice *rand.Rand, flaky float64) *reply

// service is the simulated service.
var service = []struct {
	endpoint string
	render   render
}{
	{"GET /orders/{id}", renderOrder},
	{"GET /orders", renderList},
	{"GET /products/{id}", renderProduct},
	{"GET /users/{id}", renderUser},
	{"GET /search", renderSearch},
	{"GET /quotes/{id}", renderQuote},
}

func newReply(body object) *reply {
	return &reply{status: 200, header: map[string]string{"Content-Type": "application/json", "Cache-Control": "no-store"}, body: body}
}

func (r *reply) answer() compare.Answer {
	if r.failure != "" {
		return compare.Answer{Failure: r.failure}
	}
	a := compare.Answer{Status: r.status}
	for name, value := range r.header {
		a.Header = append(a.Header, v1.Header{Name: name, Value: value})
	}
	body, err := json.Marshal(r.body)
	if err != nil {
		panic(err) // a defect of this program: bodies are plain values
	}
	a.Body = body
	return a
}

// flip is one of two values: the second at the given rate.
func flip(dice *rand.Rand, rate float64, usual, other any) any {
	if dice.Float64() < rate {
		return other
	}
	return usual
}

func pick[T any](r *rand.Rand, list ...T) T { return list[r.IntN(len(list))] }

func money(cents int64) json.Number {
	sign := ""
	if cents < 0 {
		sign, cents = "-", -cents
	}
	return json.Number(fmt.Sprintf("%s%d.%02d", sign, cents/100, cents%100))
}

func whole(n int64) json.Number { return json.Number(strconv.FormatInt(n, 10)) }

func uuid(r *rand.Rand) string {
	a, b := r.Uint64(), r.Uint64()
	return fmt.Sprintf("%08x-%04x-4%03x-8%03x-%012x", a>>32, a>>16&0xffff, a&0xfff, b>>52, b&0xffffffffffff)
}

// now is the moment at which a side answers: some milliseconds after the request.
func now(req *request, dice *rand.Rand) time.Time {
	return req.at.Add(time.Duration(dice.IntN(40_000)) * time.Microsecond)
}

func jitter(dice *rand.Rand, n int64, share float64) int64 {
	return n + int64((dice.Float64()*2-1)*share*float64(n))
}

func shuffle(dice *rand.Rand, list []any) []any {
	dice.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	return list
}

var titles = []string{"机械键盘", "Tea & Co", "Desk <oak>", "Lamp", "登山包", "Notebook"}

func item(base *rand.Rand) object {
	return object{
		"sku": fmt.Sprintf("SKU-%05d", base.IntN(90_000)), "qty": whole(int64(1 + base.IntN(5))), "price": money(int64(100 + base.IntN(99_900))),
		"title": pick(base, titles...), "attrs": object{"color": pick(base, "red", "blue", "黑"), "size": pick(base, "S", "M", "L")},
	}
}

func items(base *rand.Rand, n int) []any {
	list := make([]any, n)
	for i := range list {
		list[i] = item(base)
	}
	return list
}

func renderOrder(req *request, base, dice *rand.Rand, flaky float64) *reply {
	created := time.Unix(1_700_000_000+int64(base.IntN(50_000_000)), int64(base.IntN(1000))*1_000_000).UTC()
	r := newReply(object{
		"id": whole(1_000_000_000_000_000_000 + int64(base.Uint64()>>6)), "orderNo": fmt.Sprintf("NO%012d", base.IntN(1_000_000_000)),
		"status": pick(base, "NEW", "PAID", "SHIPPED", "DONE", "CANCELLED"), "amount": money(int64(base.IntN(1_000_000))), "currency": "CNY",
		"discount": money(int64(base.IntN(5000))), "vip": req.subject%50 == 0,
		"buyer":     object{"id": whole(int64(req.subject)), "name": pick(base, "李雷", "Ann", "Bob"), "phone": fmt.Sprintf("138%08d", base.IntN(100_000_000))},
		"items":     items(base, 1+base.IntN(4)),
		"createdAt": created.Format("2006-01-02T15:04:05.000Z07:00"), "updatedAt": now(req, dice).UTC().Format("2006-01-02 15:04:05"),
		"remark": nil, "requestId": uuid(dice),
		"cache": flip(dice, flaky, "HIT", "MISS"), "node": flip(dice, flaky, "a", "b"), "eta": flip(dice, flaky/3, whole(3), whole(4)),
	})
	if dice.Float64() >= flaky/2 {
		r.body["hint"] = "free delivery"
	}
	return r
}

func renderList(req *request, base, dice *rand.Rand, flaky float64) *reply {
	list := items(base, 3+base.IntN(8))
	return newReply(object{
		"items": list, "page": whole(int64(1 + base.IntN(9))), "size": whole(10), "total": whole(int64(20 + base.IntN(10_000))), "filters": []any{},
		"nextCursor": fmt.Sprintf("c%015x", dice.Uint64()>>4), "servedAt": whole(now(req, dice).UnixMilli()),
		"shard": flip(dice, flaky, whole(1), whole(2)), "degraded": flip(dice, flaky/5, false, true), "source": flip(dice, flaky/20, "index", "table"),
	})
}

func renderProduct(req *request, base, dice *rand.Rand, flaky float64) *reply {
	related := make([]any, 5)
	for i := range related {
		related[i] = fmt.Sprintf("P%06d", base.IntN(1_000_000))
	}
	r := newReply(object{
		"id": whole(int64(base.IntN(1 << 30))), "name": pick(base, titles...), "brand": pick(base, "小米", "华为", "Acme"), "price": money(int64(base.IntN(500_000))),
		"stock": whole(jitter(dice, 1000+int64(base.IntN(9000)), 0.02)), "rating": json.Number(fmt.Sprintf("%d.%d", 1+base.IntN(4), base.IntN(10))),
		"related": shuffle(dice, related), "updatedAt": now(req, dice).UTC().Format("2006-01-02T15:04:05.000Z07:00"),
		"promo": flip(dice, flaky, "A", "B"), "badge": flip(dice, flaky/10, "none", "hot"),
	})
	if dice.Float64() < flaky/25 {
		r.status, r.body = 503, object{"error": "busy"}
	}
	return r
}

func renderUser(req *request, base, dice *rand.Rand, flaky float64) *reply {
	settings := object{}
	for range 4 {
		settings[strconv.Itoa(1000+base.IntN(9000))] = base.IntN(2) == 0
	}
	coupons := make([]any, base.IntN(4))
	for i := range coupons {
		coupons[i] = object{"code": fmt.Sprintf("C%07d", base.IntN(10_000_000)), "off": money(int64(base.IntN(9000)))}
	}
	points := int64(base.IntN(100_000))
	if base.IntN(20) == 0 {
		points += 1 << 31
	}
	r := newReply(object{
		"id": whole(int64(req.subject)), "name": pick(base, "李雷", "Ann", "Bob"), "level": pick(base, "GOLD", "SILVER", "BRONZE"), "points": whole(points),
		"nickname": nil, "flags": object{"marketing": base.IntN(2) == 0, "beta": req.subject%100 == 7}, "settings": settings, "coupons": coupons,
		"lastSeen": now(req, dice).UTC().Format("2006-01-02T15:04:05.000Z07:00"),
		"tier":     flip(dice, flaky, "x", "y"), "balance": flip(dice, flaky, money(12_000), money(12_100)), "region": flip(dice, flaky/50, "cn-1", "cn-2"),
	})
	r.header["Set-Cookie"] = "sid=" + uuid(dice) + "; Path=/; HttpOnly; Secure"
	return r
}

func renderSearch(req *request, base, dice *rand.Rand, flaky float64) *reply {
	hits := make([]any, 6)
	for i := range hits {
		score := 10 + base.Float64()*80
		hits[i] = object{
			"sku": fmt.Sprintf("SKU-%05d", 10_000*i+base.IntN(9999)), "title": pick(base, titles...),
			"score": json.Number(fmt.Sprintf("%.3f", score*(1+0.03*(dice.Float64()*2-1)))),
		}
	}
	query := pick(base, "tea", "灯", "desk", "lamp")
	if base.IntN(100) < 2 {
		query += " "
	}
	r := newReply(object{
		"q": query, "hits": shuffle(dice, hits), "count": whole(int64(base.IntN(1000))), "searchId": fmt.Sprintf("S-%016d", dice.Uint64N(10_000_000_000_000_000)),
		"facets":  object{"brand": object{"acme": whole(int64(base.IntN(50))), "other": whole(int64(base.IntN(50)))}},
		"variant": flip(dice, flaky, "blue", "green"), "cached": flip(dice, flaky, true, false), "ads": flip(dice, flaky/8, whole(2), whole(3)),
	})
	if dice.Float64() < flaky/100 {
		r.failure = compare.FailureTimeout
	}
	return r
}

func renderQuote(req *request, base, dice *rand.Rand, flaky float64) *reply {
	id := "Q-" + uuid(dice)
	lines := make([]any, 1+base.IntN(4))
	for i := range lines {
		lines[i] = object{"no": whole(int64(i + 1)), "quoteId": id, "net": money(int64(base.IntN(90_000))), "code": pick(base, "A1", "B2", "C3")}
	}
	at := now(req, dice)
	r := newReply(object{
		"quoteId": id, "lines": lines, "net": money(int64(base.IntN(400_000))), "tax": money(int64(base.IntN(40_000))), "rate": json.Number("0.0" + strconv.Itoa(1+base.IntN(9))),
		"expiresAt": at.Add(15 * time.Minute).UTC().Format("2006-01-02T15:04:05.000Z07:00"),
		"validOn":   time.Unix(1_760_000_000+int64(base.IntN(5_000_000)), 0).UTC().Format("2006-01-02"),
		"engine":    flip(dice, flaky, "v1", "v2"), "warm": flip(dice, flaky/30, true, false),
	})
	if dice.Float64() >= flaky/2 {
		r.body["promo"] = "spring"
	}
	return r
}
