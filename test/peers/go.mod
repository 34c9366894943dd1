module jindu.dev/jindu/test/peers

go 1.26.0

require (
	github.com/valyala/fasthttp v1.69.0
	jindu.dev/jindu v0.0.0
)

replace jindu.dev/jindu => ../..
