// Package shop is the second job on one screen: a shop whose old side in Java and new side in Go each write a
// database of their own. Effects are compared, rows cross both ways, users move to 100 %, come back without
// losing a write, and move again.
//
//	Story ─► Stage (databases, payment, shops, node)    Node (admin API)    Buyers ─► load ─► gateway ─► shops
//	                                                                          Ledger ◄── answers
//	         Judge ◄── rows of both databases, read past Jindu ── Ledger
//
// Words: an order is acknowledged when a buyer got its id. It is lost when a side that should have it has no
// such row, doubled when one request made two. Stock is conserved when what is left and what was sold are what
// there was. The Judge reads the databases itself and believes nothing that Jindu says.
package shop
