// Package httpapi lets instances register over the admin API: one call registers and, repeated, renews
// the lease; another says good-bye. A caller with a register token may speak for its own services
// alone. An instance that names no address is taken to be at the address it calls from.
package httpapi
