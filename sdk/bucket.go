package sdk

// Bucket is the bucket, 0 to 9,999, of a subject under a migration's salt: FNV-1a 64 over salt, a zero
// byte and subject, finished by MurmurHash3's fmix64. A subject is on the new side when its bucket is
// below the share. api/cohort.golden.json has vectors for other languages.
func Bucket(salt, subject string) int {
	h := fnv1a(fnv1a(fnv1a(14695981039346656037, salt), "\x00"), subject)
	h = (h ^ h>>33) * 0xff51afd7ed558ccd
	h = (h ^ h>>33) * 0xc4ceb9fe1a85ec53
	return int((h ^ h>>33) % 10_000)
}

func fnv1a(h uint64, s string) uint64 {
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * 1099511628211
	}
	return h
}
