// Package arch holds the architecture as tests: who may import whom, what core packages may not do, which
// third-party modules the product has, that every code of an error is listed, and what no file may say.
//
// A test that fails here is a question, not an obstacle: is the change meant? A new arrow between
// packages is a line in the table of imports and a decision record; a new module shows in deps.txt.
package arch
