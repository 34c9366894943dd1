package migrate

import "strings"

// clusterOf is the unit that counts once at an endpoint: FNV-1a of who asked and the endpoint.
func clusterOf(who uint64, endpoint string) uint64 {
	h := uint64(14695981039346656037)
	for range 8 {
		h = (h ^ who&0xff) * 1099511628211
		who >>= 8
	}
	for i := range len(endpoint) {
		h = (h ^ uint64(endpoint[i])) * 1099511628211
	}
	return h
}

// askerOf is the subject of a recording, or what stands in for it: the client's address.
func askerOf(rec *Recorded) uint64 {
	if rec.HasSubject {
		return rec.Subject
	}
	return clusterOf(0, rec.ClientIP.String())
}

// pathOf is a target without its query.
func pathOf(target string) string {
	path, _, _ := strings.Cut(target, "?")
	return path
}
