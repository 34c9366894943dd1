// Package observe puts Jindu beside a service whose traffic goes through somebody else's proxy: nginx
// and Envoy copy requests to the observe listener by their own mirror, and Jindu is taken out of a path
// under load without a lost request.
package observe
