// Package httpapi serves the objects over the admin API: list, get, apply, delete, watch and audit,
// with one typed operation for each kind, so that the API's document shows every spec.
package httpapi
