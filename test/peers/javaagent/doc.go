// Package javaagent holds the tests of sdk/java: a service that knows nothing of Jindu runs with the agent on
// each JDK, against a real MariaDB and a real Redis, and says nothing that it should not.
package javaagent
