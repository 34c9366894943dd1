// Package gateway is the data path: it accepts requests, has them decided by route, forwards them,
// records what a migration asks for, and counts everything.
package gateway
