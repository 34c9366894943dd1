// Package peers holds the tests against foreign clients and servers. It is a module of its own, so
// that their dependencies stay out of the product.
package peers
