// Package v1 holds Jindu's objects and the admin API's answers as plain Go structs.
//
// They are the only source: api/openapi.yaml and api/jindu.schema.json are generated from them, the
// store keeps them as JSON, the CLI and the console show them.
//
// Every object has the same shape: apiVersion, kind, metadata, a spec that only users write (each
// change raises metadata.generation) and a status that only Jindu's controllers write.
// Words follow the Kubernetes Gateway API where it has them.
package v1
