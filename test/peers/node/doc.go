// Package node runs the real binary through what a node must survive: kill -9 during a ramp, a stop
// under load, a reload with a bad file.
package node
