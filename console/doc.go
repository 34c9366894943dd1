// Package console serves the web console: a single page built by Vite from the TypeScript beside it,
// embedded as it is committed in dist. It talks to the admin API of the same origin and to nothing else.
//
// The page needs no inline script or style, no font and no request to another host, so it is served
// with a policy that forbids them. Its types (src/api/types.ts) are written from api/v1 by a test.
package console
