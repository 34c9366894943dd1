// Package conf loads one typed configuration: a struct that holds its defaults, a YAML file, environment
// variables and flags, in that order, the last one winning.
//
// Words: a key is a field of the struct; a section is a key that is itself a struct; every other key is
// a leaf. A path is the names from the root, such as gateway.listen. Its environment variable is the
// prefix and the path in capitals: JINDU_GATEWAY_LISTEN, and JINDU_GATEWAY_MAX_CONNECTIONS for
// gateway.maxConnections.
//
// Tags of a field:
//
//	yaml:"name"        name of the key; the field's name with a small first letter when absent, - for none
//	doc:"text"         what it means; goes into the schema and the example
//	enum:"a,b"         allowed values
//	minimum, maximum   bounds of a number
//	reload:"live"      a change takes effect without a restart; on a section, for all below it
//
// Invariants: every key is optional; whatever is not understood is an error that names the file, line and
// column, the value, what was expected, and the likely key; all that is wrong is said at once; a secret's
// value never leaves Secret.Reveal.
package conf
