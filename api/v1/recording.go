package v1

import "time"

// Recording is one request as the old side answered it, with what its dependencies answered: enough to run
// it again against another service. Credentials are not in it.
type Recording struct {
	Run      string           `json:"run" doc:"Run of the request."`
	At       time.Time        `json:"at" doc:"When it began."`
	Endpoint string           `json:"endpoint,omitempty" doc:"Endpoint template."`
	Subject  string           `json:"subject,omitempty" doc:"Hash of the subject, 16 hex digits."`
	Request  RecordedRequest  `json:"request" doc:"As forwarded, without credentials."`
	Answer   RecordedResponse `json:"answer" doc:"As the old side answered."`
	Effects  []Effect         `json:"effects,omitempty" doc:"What the run did; calls with their answers, where captured."`
}

// RecordedRequest is a request.
type RecordedRequest struct {
	Method string   `json:"method" doc:"Request method."`
	Host   string   `json:"host,omitempty" doc:"Host."`
	Target string   `json:"target" doc:"Path and query."`
	Header []Header `json:"header,omitempty" doc:"Fields, without those that end at a proxy and without credentials."`
	Body   string   `json:"body,omitempty" doc:"Body; base64 when it is no UTF-8."`
	Base64 bool     `json:"base64,omitempty" doc:"The body is base64."`
}

// RecordedResponse is an answer.
type RecordedResponse struct {
	Status  int      `json:"status" doc:"Status; 0 when there was no answer."`
	Header  []Header `json:"header,omitempty" doc:"Fields."`
	Body    string   `json:"body,omitempty" doc:"Body; base64 when it is no UTF-8."`
	Base64  bool     `json:"base64,omitempty" doc:"The body is base64."`
	Latency Duration `json:"latency,omitempty" doc:"How long it took."`
}

// ReplayResult is what a replay found.
type ReplayResult struct {
	Requests  int              `json:"requests" doc:"Requests sent again."`
	Alike     int              `json:"alike" doc:"Answers that were alike."`
	Differ    int              `json:"differ" doc:"Answers that differed."`
	Miss      int              `json:"miss" doc:"Requests during which the service asked a dependency for what the recording does not hold: neither alike nor different."`
	Failed    int              `json:"failed" doc:"Requests without an answer."`
	Endpoints []ReplayEndpoint `json:"endpoints" doc:"By endpoint, the worst first."`
	Misses    []ReplayMiss     `json:"misses,omitempty" doc:"The first 100 misses."`
}

// ReplayEndpoint is one endpoint of a replay.
type ReplayEndpoint struct {
	Endpoint string         `json:"endpoint" doc:"Endpoint template."`
	Requests int            `json:"requests" doc:"Requests sent again."`
	Differ   int            `json:"differ" doc:"Answers that differed beyond the noise of the old side."`
	Miss     int            `json:"miss" doc:"Requests with a miss."`
	Failed   int            `json:"failed" doc:"Requests without an answer."`
	Paths    map[string]int `json:"paths" doc:"Field paths that differed, and how often."`
}

// ReplayMiss is a call that the recording does not hold.
type ReplayMiss struct {
	Run     string `json:"run" doc:"Run of the recorded request."`
	Method  string `json:"method" doc:"Method of the call."`
	Target  string `json:"target" doc:"Host and path of the call."`
	Nearest string `json:"nearest,omitempty" doc:"What of the recorded calls is nearest, and how it differs; it is never served."`
}
