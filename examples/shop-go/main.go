// Command shop-go is the new shop.
//
//	go run ./examples/shop-go --dialect postgres --db postgres://shop:secret@127.0.0.1:5432/shop \
//		--payment http://127.0.0.1:7020 --register http://127.0.0.1:8090
package main

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"jindu.dev/jindu/examples/shop-go/shop"
)

func main() {
	c := shop.Config{Metadata: map[string]string{}, Log: slog.New(slog.NewTextHandler(os.Stderr, nil))}
	flag.StringVar(&c.Listen, "listen", "127.0.0.1:7013", "address to serve on")
	flag.StringVar(&c.DB, "db", os.Getenv("SHOP_DB"), "database; default: environment variable SHOP_DB")
	flag.StringVar(&c.Dialect, "dialect", "mariadb", "mariadb or postgres")
	flag.StringVar(&c.Payment, "payment", "http://127.0.0.1:7020", "URL of shop-payment")
	flag.StringVar(&c.Register, "register", "", "URL of Jindu's admin API, such as http://127.0.0.1:8090")
	flag.StringVar(&c.Service, "service", "shop", "name to register")
	flag.StringVar(&c.Side, "side", "new", "which side's rows it may change: old or new")
	flag.StringVar(&c.Defect, "defect", "", "plant a defect: "+names())
	flag.BoolVar(&c.Proxied, "proxied", false, "a proxy of Jindu stands before the database")
	flag.BoolVar(&c.Outbox, "outbox", false, "write changes into jindu_outbox")
	flag.BoolVar(&c.Fenced, "fenced", false, "refuse to write without table jindu_fence")
	flag.Func("meta", "name=value to register; may be repeated", func(s string) error {
		name, value, ok := strings.Cut(s, "=")
		if !ok || name == "" {
			return fmt.Errorf("%q: write name=value", s)
		}
		c.Metadata[name] = value
		return nil
	})
	create := flag.Int64("create", 0, "make the tables first, with this much stock of each product on each side")
	flag.Parse()
	if err := run(c, *create); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(c shop.Config, stock int64) error {
	if c.Defect != "" && !slices.ContainsFunc(shop.Defects(), func(d shop.Defect) bool { return d.Name == c.Defect }) {
		return fmt.Errorf("--defect %q: there are %s", c.Defect, names())
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if stock > 0 {
		if err := shop.Create(ctx, c, stock); err != nil {
			return err
		}
	}
	return shop.Serve(ctx, c, func(address string) { fmt.Println("listening", address) })
}

func names() string {
	var all []string
	for _, d := range shop.Defects() {
		all = append(all, d.Name)
	}
	return strings.Join(all, ", ")
}
