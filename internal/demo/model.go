package demo

import (
	"fmt"
	"math/big"

	"jindu.dev/jindu/examples/order-store/store"
)

// Users is how many users there are, popular as Zipf's law has it.
const Users = 10_000

// item is a product and how many of it.
type item struct{ product, qty int64 }

// price is what the old service would charge, in cents. It is computed with fractions, unlike either service.
type price struct{ subtotal, discount, tax, shipping, total int64 }

var (
	half             = big.NewRat(1, 2)
	taxRate          = big.NewRat(65, 1000)
	discountOf       = map[string]*big.Rat{"GOLD": big.NewRat(8, 100), "SILVER": big.NewRat(3, 100), "BASIC": new(big.Rat)}
	freeFrom   int64 = 200_00
	reviewAt   int64 = 1000_00
)

// halfUp rounds a non-negative amount of cents.
func halfUp(r *big.Rat) int64 {
	r = new(big.Rat).Add(r, half)
	return new(big.Int).Quo(r.Num(), r.Denom()).Int64()
}

func tierOf(user int64) string {
	if user%5 == 0 {
		return "GOLD"
	}
	if user%5 == 1 {
		return "SILVER"
	}
	return "BASIC"
}

// catalogue is the model's own copy of the data.
type catalogue []store.Product

func (c catalogue) has(id int64) bool { return id >= 1 && id <= int64(len(c)) }

func (c catalogue) price(user int64, items []item) price {
	var p price
	for _, it := range items {
		p.subtotal += int64(c[it.product-1].Price) * it.qty
	}
	subtotal := new(big.Rat).SetInt64(p.subtotal)
	p.discount = halfUp(new(big.Rat).Mul(subtotal, discountOf[tierOf(user)]))
	taxable := p.subtotal - p.discount
	p.tax = halfUp(new(big.Rat).Mul(new(big.Rat).SetInt64(taxable), taxRate))
	if taxable < freeFrom {
		p.shipping = 12_00
	}
	p.total = taxable + p.tax + p.shipping
	return p
}

// decimal writes cents with two decimals.
func decimal(cents int64) decimalText {
	return decimalText(fmt.Sprintf("%d.%02d", cents/100, cents%100))
}
