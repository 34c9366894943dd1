// Package framing sends malformed and ambiguous HTTP/1.1 to Jindu, nginx and haproxy, each in front of
// the same origin, and holds that Jindu is never laxer than either: what one of them refuses, Jindu
// refuses. docs/framing.md is the table of what was seen.
package framing
