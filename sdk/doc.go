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
//   - RefuseFenced says so because the subject went to the other side meanwhile (see package outbox);
//   - ShadowOf tells a copy made for comparison from a user's request;
//   - Bucket is the cohort function, for services that must agree with the gateway on who is where.
//
// RunOf and RunIn say which run of a request a handler works for. Package effects tells Jindu what a run
// did, package outbox writes under the fence.
//
// The package imports api/v1 and the standard library alone.
package sdk
