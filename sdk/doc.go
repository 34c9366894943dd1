// Package sdk is what a service behind Jindu imports: it registers the service's instances and lets the
// service tell the gateway what only it knows.
//
//	reg, err := sdk.Register(ctx, sdk.Options{Service: "orders", Port: 8080})
//	...
//	defer reg.Close(ctx) // drains and removes the instance
//
// In handlers:
//
//   - Refuse says that nothing was done and the old side may answer instead;
//   - State says which version of its data an answer was read from, so that Jindu compares like with like;
//   - ShadowOf tells a copy made for comparison from a user's request;
//   - Bucket is the cohort function, for services that must agree with the gateway on who is where.
//
// The package imports api/v1 and the standard library alone.
package sdk
