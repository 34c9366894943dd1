package shop

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
