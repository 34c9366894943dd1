package store

import "fmt"

// Products is how many products the catalogue has, with ids from 1.
const Products = 500

// SeedOrders is how many orders exist before the first request.
const SeedOrders = 2000

// firstOrder is beyond 2^53 on purpose: whoever keeps ids in a float64 loses digits.
const firstOrder int64 = 7205759403792793601

// Catalogue lists every product; it is the same in every process.
func Catalogue() []Product {
	categories := [...]string{"TEA", "BOOK", "TOOL", "TOY"}
	names := [...]string{"龙井 <spring> & dew", "Atlas", "Hand plane", "Kite"}
	all := make([]Product, Products)
	for i := range all {
		id := int64(i + 1)
		tags := []string{}
		if id%3 != 0 {
			tags = append(tags, "new")
		}
		if id%3 == 2 {
			tags = append(tags, "gift")
		}
		stock := int64(1_000_000)
		if id%50 == 0 {
			stock = 25 // sells out, and selling out is an answer to keep
		}
		all[i] = Product{
			ID: id, SKU: fmt.Sprintf("SKU-%05d", id), Name: fmt.Sprintf("%s %d", names[i%4], id),
			Price: Cents(100 + id*7919%49_900), Category: categories[i%4], Tags: tags, Stock: stock,
		}
	}
	return all
}

// Seed lists the orders that exist from the start. They took nothing from the stock.
func Seed() []Order {
	products := Catalogue()
	all := make([]Order, SeedOrders)
	for k := range all {
		n := int64(k)
		items := []Item{{Product: 1 + n*37%Products, Qty: 1 + n%3}}
		if n%2 == 1 {
			items = append(items, Item{Product: 1 + (n*101+13)%Products, Qty: 1})
		}
		all[k] = Order{ID: firstOrder + 7*n, User: n + 1, Items: lines(products, items), CreatedMillis: 1_760_000_000_000 + 61_000*n}
	}
	return all
}
