package http1

// A rejection is why a message is refused. Rejections of requests answer with status and close the
// connection; those of answers become 502.
type rejection struct {
	status int
	code   string // public code
	reason string // for metrics and logs: a few fixed words
}

func (r *rejection) Error() string { return r.reason }

func bad(reason string) *rejection { return &rejection{400, "JD-GATEWAY-001", reason} }

// Why requests, answers and bodies are refused. The reason is the label of
// jindu_gateway_rejected_total.
var (
	errRequestLine   = bad("malformed request line")
	errMethod        = bad("malformed method")
	errTarget        = bad("malformed request target")
	errHTTP09        = bad("HTTP/0.9 request")
	errVersion       = &rejection{505, "JD-GATEWAY-002", "unsupported HTTP version"}
	errBareLF        = bad("line ends without CR")
	errControl       = bad("control character in field")
	errFold          = bad("folded field line")
	errTab           = bad("tab around Host, Content-Length or Transfer-Encoding")
	errFieldName     = bad("malformed field name")
	errColonSpace    = bad("whitespace before colon")
	errNoHost        = bad("no Host")
	errTwoHosts      = bad("more than one Host")
	errHost          = bad("malformed Host")
	errAuthority     = bad("Host differs from request target")
	errLength        = bad("malformed Content-Length")
	errTwoLengths    = bad("more than one Content-Length")
	errLengthAndTE   = bad("Content-Length with Transfer-Encoding")
	errTwoTE         = bad("more than one Transfer-Encoding")
	errTE            = &rejection{501, "JD-GATEWAY-003", "transfer coding other than chunked"}
	errTEOld         = bad("Transfer-Encoding in HTTP/1.0")
	errExpect        = &rejection{417, "JD-GATEWAY-004", "unknown expectation"}
	errConnectMethod = &rejection{405, "JD-GATEWAY-005", "method not allowed"}
	errHeadSize      = &rejection{431, "JD-GATEWAY-006", "head too large"}
	errFieldCount    = &rejection{431, "JD-GATEWAY-006", "too many fields"}
	errTargetSize    = &rejection{414, "JD-GATEWAY-007", "request target too long"}
	errBodySize      = &rejection{413, "JD-GATEWAY-008", "body too large"}
	errHeadTime      = &rejection{408, "JD-GATEWAY-009", "head took too long"}
	errBodyTime      = &rejection{408, "JD-GATEWAY-009", "body took too long"}
	errChunkSize     = bad("malformed chunk size")
	errChunkExt      = bad("malformed chunk extension")
	errChunkEnd      = bad("chunk data without CRLF")
	errTrailer       = bad("malformed trailer")
	errConnection    = bad("malformed Connection")

	errStatusLine = bad("malformed status line")
	errSwitching  = bad("unexpected switch of protocols")
)
