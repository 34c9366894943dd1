package shop

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"strings"
)

//go:embed schema/mariadb.sql
var mariadb string

//go:embed schema/postgres.sql
var postgres string

// Schema is the statements that make the new shop's tables. dialect is mariadb or postgres.
func Schema(dialect string) []string {
	if dialect == "postgres" {
		return Statements(postgres)
	}
	return Statements(mariadb)
}

// Statements splits a file of statements.
func Statements(text string) []string {
	var all []string
	for part := range strings.SplitSeq(text, ";\n") {
		if strings.TrimSpace(part) != "" {
			all = append(all, part)
		}
	}
	return all
}

// Products is how many there are.
const Products = 20

// Seed is the statements that fill the catalogue and the stock: each side may sell perSide of each product.
// form is mariadb or postgres for the new shop's tables, old for the old shop's.
func Seed(form string, perSide int64) []string {
	price, changed, divisor, when := "price_cents", "changed_at", int64(1), "2026-01-01 00:00:00"
	switch form {
	case "old":
		price, changed, divisor, when = "price", "changed", 100, "2026-01-01 08:00:00"
	case "postgres":
		when += "+00"
	}
	var products, stock []string
	for id := int64(1); id <= Products; id++ {
		cents := 199 + 7*id*id*13 // 2.90 to 365.99
		amount := fmt.Sprint(cents)
		if divisor > 1 {
			amount = fmt.Sprintf("%d.%02d", cents/divisor, cents%divisor)
		}
		products = append(products, fmt.Sprintf("(%d, '%s', %s)", id, productName(id), amount))
		for _, side := range []string{"old", "new"} {
			stock = append(stock, fmt.Sprintf("(%d, '%s', '%s', %d, '%s', 1)", id, side, side, perSide, when))
		}
	}
	return []string{
		"INSERT INTO products (id, name, " + price + ") VALUES " + strings.Join(products, ", "),
		"INSERT INTO stock (sku, side, owner, available, " + changed + ", version) VALUES " + strings.Join(stock, ", "),
	}
}

func productName(id int64) string {
	kinds := []string{"Tea", "Cup", "Kettle", "Tray & cloth", "茶壶"}
	return fmt.Sprintf("%s %d", kinds[id%int64(len(kinds))], id)
}

// Create makes the tables and fills them.
func Create(ctx context.Context, c Config, perSide int64) error {
	s, err := Open(c)
	if err != nil {
		return err
	}
	for _, statement := range append(Schema(c.Dialect), Seed(c.Dialect, perSide)...) {
		if _, err := s.db.ExecContext(ctx, statement); err != nil {
			return errors.Join(fmt.Errorf("create tables: %w", err), s.Close())
		}
	}
	return s.Close()
}
