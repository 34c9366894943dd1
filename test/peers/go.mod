module jindu.dev/jindu/test/peers

go 1.26.0

require (
	github.com/valyala/fasthttp v1.69.0
	jindu.dev/jindu v0.0.0
)

require (
	github.com/andybalholm/brotli v1.2.0 // indirect
	github.com/klauspost/compress v1.20.1 // indirect
	github.com/valyala/bytebufferpool v1.0.0 // indirect
)

replace jindu.dev/jindu => ../..
