// Command fastproxy is a bare reverse proxy of fasthttp on both sides: a peer of the benchmark.
package main

import (
	"flag"
	"log"

	"github.com/valyala/fasthttp"
)

func main() {
	listen := flag.String("listen", "", "address to listen on")
	upstream := flag.String("upstream", "", "address to forward to")
	flag.Parse()
	client := &fasthttp.HostClient{Addr: *upstream, MaxConns: 1024, NoDefaultUserAgentHeader: true}
	server := &fasthttp.Server{
		NoDefaultServerHeader: true,
		Handler: func(ctx *fasthttp.RequestCtx) {
			ctx.Request.Header.Del("Connection")
			if err := client.Do(&ctx.Request, &ctx.Response); err != nil {
				ctx.Error("bad gateway", fasthttp.StatusBadGateway)
			}
			ctx.Response.Header.Del("Connection")
		},
	}
	log.Fatal(server.ListenAndServe(*listen))
}
