// Package app is the composition root: the whole configuration of a node, its parts and their order,
// and one file of wiring for each part. It knows everybody; nobody but the command knows it.
package app
