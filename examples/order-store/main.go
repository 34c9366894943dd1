// Command order-store is the state behind both order services: products, stock and orders in memory.
//
//	go run ./examples/order-store --listen 127.0.0.1:7001
package main

import (
	"context"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"

	"jindu.dev/jindu/examples/order-store/store"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:7001", "address to serve on")
	flag.Parse()
	if err := run(*listen); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(listen string) error {
	l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", listen)
	if err != nil {
		return err
	}
	fmt.Println("listening", l.Addr())
	return (&http.Server{Handler: store.New(time.Now).Handler(), ReadHeaderTimeout: 10 * time.Second}).Serve(l)
}
