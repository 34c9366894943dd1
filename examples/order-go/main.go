// Command order-go is the new order service.
//
//	go run ./examples/order-go --store http://127.0.0.1:7001 --register http://127.0.0.1:8090
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"jindu.dev/jindu/examples/order-go/order"
)

func main() {
	var c order.Config
	flag.StringVar(&c.Listen, "listen", "127.0.0.1:7003", "address to serve on")
	flag.StringVar(&c.Store, "store", "http://127.0.0.1:7001", "URL of order-store")
	flag.StringVar(&c.Register, "register", "", "URL of Jindu's admin API, such as http://127.0.0.1:8090")
	flag.StringVar(&c.Runtime, "runtime", "go1.26", "what to register as")
	flag.StringVar(&c.Version, "version", "2.0", "version to register")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := order.Serve(ctx, c, func(address string) { fmt.Println("listening", address) })
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
