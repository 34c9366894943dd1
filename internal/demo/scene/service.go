package scene

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/examples/order-go/order"
	"jindu.dev/jindu/examples/order-store/store"
	newshop "jindu.dev/jindu/examples/shop-go/shop"
	"jindu.dev/jindu/examples/shop-payment/payment"
	"jindu.dev/jindu/internal/demo"
	"jindu.dev/jindu/internal/demo/shop"
	"jindu.dev/jindu/internal/kit/kind"
)

// Service runs one of the demo's processes; the binary starts itself with these names:
//
//	store                                       the state of both services
//	order-go  --store URL --register URL ...    the new service, or the stand-in for the old one
//	shop-payment                                the payment provider of both shops
//	shop-go   --register URL ...                the new shop; its database is in SHOP_DB
//	guard     DIRECTORY COMMAND ARGUMENT...     any command, stopped when standard input ends
//
// Each ends when ctx or its standard input does.
func Service(ctx context.Context, name string, args []string, out io.Writer) error {
	if name == "guard" {
		return guard(ctx, args)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	gone := parentGone()
	go func() {
		<-gone
		cancel()
	}()
	ready := func(address string) { _, _ = fmt.Fprintln(out, "listening", address) } // read by the parent, or by nobody
	switch name {
	case "store":
		return serveStore(ctx, ready)
	case "order-go":
		return serveOrder(ctx, args, ready)
	case "shop-payment":
		return servePayment(ctx, ready)
	case "shop-go":
		return serveShop(ctx, args, ready)
	}
	return kind.New(kind.Invalid, "JD-DEMO-002", "there is no demo service %q: store, order-go, shop-payment, shop-go and guard are", name)
}

func serveStore(ctx context.Context, ready func(string)) error {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	return serveHandler(ctx, l, store.New(time.Now).Handler(), ready)
}

func servePayment(ctx context.Context, ready func(string)) error {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	return serveHandler(ctx, l, payment.New().Handler(), ready)
}

func serveHandler(ctx context.Context, l net.Listener, h http.Handler, ready func(string)) error {
	server := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() }) // nobody is served any more
	defer stop()
	ready(l.Addr().String())
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func serveShop(ctx context.Context, args []string, ready func(string)) error {
	c := newshop.Config{
		Listen: "127.0.0.1:0", DB: os.Getenv("SHOP_DB"), Service: shop.Name, Side: v1.SideNew, Proxied: true,
		Metadata: map[string]string{"runtime": newRuntime, "version": "2.0", "shadow-safe": "true"}, Log: slog.New(slog.NewTextHandler(os.Stderr, nil)),
	}
	flags := flag.NewFlagSet("shop-go", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.StringVar(&c.Dialect, "dialect", "mariadb", "")
	flags.StringVar(&c.Payment, "payment", "", "")
	flags.StringVar(&c.Register, "register", "", "")
	flags.StringVar(&c.Defect, "defect", "", "")
	if err := flags.Parse(args); err != nil {
		return err
	}
	return newshop.Serve(ctx, c, ready)
}

func serveOrder(ctx context.Context, args []string, ready func(string)) error {
	c := order.Config{Listen: "127.0.0.1:0"}
	flags := flag.NewFlagSet("order-go", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.StringVar(&c.Store, "store", "", "")
	flags.StringVar(&c.Register, "register", "", "")
	flags.StringVar(&c.Runtime, "runtime", "go1.26", "")
	flags.StringVar(&c.Version, "version", "2.0", "")
	defect := flags.String("defect", "", "")
	if err := flags.Parse(args); err != nil {
		return err
	}
	d, err := demo.DefectNamed(*defect)
	if err != nil {
		return err
	}
	c.Wrap = func(h http.Handler) http.Handler { return defective(d, h) }
	return order.Serve(ctx, c, ready)
}
