// Package bolt keeps objects in one bbolt file, jindu.db of the data directory. It is the Store of a
// single node.
//
//	keys  key 0x00 revision(8) → flags(1) created(8) crc32c(4) value     every retained version
//	log   revision(8) number(4) → size(4) key                           what changed, in order
//	meta  format, revision, compacted, bytes
//
// Invariants:
//   - A transaction is on disk (fdatasync) before Txn returns. The process may be killed at any moment:
//     what was acknowledged is there, what was not is there whole or not at all.
//   - The file is checked as a whole, read-only, before it is first written. A file that fails is
//     refused and left as it is: nothing here deletes, shortens or repairs one. An empty file is a
//     broken one; a new one gets its name when it is complete.
//   - Another process that has the file open keeps this one out.
//   - A write that fails (full disk) leaves the store as it was, readable, and writable again when there
//     is space. Only after a failed sync, when nobody knows what is on disk, are writes refused until a
//     restart checks the file.
//   - The last Retain revisions, and about RetainBytes of them, can be watched and read; older ones are
//     compacted as new ones are written. A watcher holds no lock and no transaction while it waits.
package bolt
