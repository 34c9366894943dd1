package order

import (
	"bytes"
	"fmt"
	"strconv"
)

// Cents is an amount of money in hundredths. In JSON it is a number with two decimals: 19.90.
type Cents int64

// MarshalJSON writes 1990 as 19.90.
func (c Cents) MarshalJSON() ([]byte, error) { return fmt.Appendf(nil, "%d.%02d", c/100, c%100), nil }

// UnmarshalJSON reads a non-negative number with exactly two decimals, digit by digit: no float is involved.
func (c *Cents) UnmarshalJSON(b []byte) error {
	whole, frac, ok := bytes.Cut(b, []byte("."))
	if !ok || len(frac) != 2 {
		return fmt.Errorf("amount %s: want two decimals", b)
	}
	n, err := strconv.ParseUint(string(whole)+string(frac), 10, 62)
	*c = Cents(n)
	return err
}

// share is c times per/of, rounded half up, as the old service's BigDecimal does.
func (c Cents) share(per, of Cents) Cents { return (2*c*per + of) / (2 * of) }

// Totals are what an order costs.
type Totals struct {
	Subtotal Cents `json:"subtotal"`
	Discount Cents `json:"discount"`
	Tax      Cents `json:"tax"`
	Shipping Cents `json:"shipping"`
	Total    Cents `json:"total"`
}

// total applies the discount of the user's tier, 6.5 % tax, and shipping below 200.00.
func total(lines []Line, tier string) Totals {
	var t Totals
	for _, l := range lines {
		t.Subtotal += l.Amount
	}
	t.Discount = t.Subtotal.share(discountPercent[tier], 100)
	taxable := t.Subtotal - t.Discount
	t.Tax = taxable.share(65, 1000)
	if taxable < 200_00 {
		t.Shipping = 12_00
	}
	t.Total = taxable + t.Tax + t.Shipping
	return t
}

var discountPercent = map[string]Cents{"GOLD": 8, "SILVER": 3, "BASIC": 0}

// tierOf is a user's tier.
func tierOf(user int64) string {
	switch user % 5 {
	case 0:
		return "GOLD"
	case 1:
		return "SILVER"
	}
	return "BASIC"
}
