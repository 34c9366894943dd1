// Package replay runs recorded requests again against a service and says whether it answers as the old
// side did.
//
//	file of recordings (jindu, or GoReplay's) ─► Player ─► service under test ─► compare with the recorded answer
//	                                                            │ calls out, through the proxy
//	                                                            ▼
//	                                             Dependencies: answers from the same recording, or a miss
//
// Words: a miss is a call that the recording does not hold. A near match is never served: it would make a
// wrong answer look right, or a right one wrong. A request with a miss is neither alike nor different.
//
// Everything is bounded: lines, bodies, requests under way, calls kept, misses shown.
package replay
