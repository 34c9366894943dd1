package bolt

// syncDir does nothing: Windows has no sync of directories, a rename is in its journal.
func syncDir(string) error { return nil }
