// Package demo is the main job on one screen: an order service in Java under real traffic, the new one
// in Go beside it, and Jindu moving users from the first to the second as far as the evidence allows.
//
// The demo is an honest user. It starts a node, the services and their store as processes, speaks to the
// node by its public admin API alone, and sends traffic through its gateway. An Oracle judges every answer
// that a client gets: it knows the catalogue and what was ordered, computes what the old service would have
// answered, and shares no code with either service. Only what was declared to differ may differ: the time
// of an answer, its trace id, and numbers that depend on which of two requests under way came first.
//
//	Story ─► Stage (processes)    Node (admin API)     Traffic ─► load ─► gateway ─► services ─► store
//	                                                     Oracle ◄── answers
//
// Words: a Defect is a planted mistake of the new service. Mirror defects show in copies, before any user
// is moved. Live defects show only when real users are served; what such an answer did to a client is
// exposed, any other wrong answer is an error.
package demo
