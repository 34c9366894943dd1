// Package orderjava carries the source of the old order service, so that the demo can start it from
// the binary alone.
package orderjava

import _ "embed"

// Source is Order.java: a single file for JDK 17 or later.
//
//go:embed Order.java
var Source []byte
