package route

// Buckets is the number of buckets that subjects fall into; a share is counted in them.
const Buckets = 10_000

// Hash is FNV-1a 64 over the salt, a zero byte and the subject, finished by MurmurHash3's fmix64, which
// FNV needs: its low bits alone are not uniform for short keys. api/cohort.golden.json holds vectors.
func Hash(salt, subject string) uint64 { return finish(fold(seed(salt), subject)) }

// Bucket is the bucket of a subject, 0 to 9,999.
func Bucket(salt, subject string) int { return int(Hash(salt, subject) % Buckets) }

const (
	fnvOffset = 14695981039346656037
	fnvPrime  = 1099511628211
)

// seed is the state of the hash after the salt and the zero byte.
func seed(salt string) uint64 { return fold(uint64(fnvOffset), salt) * fnvPrime }

func fold[T string | []byte](h uint64, b T) uint64 {
	for i := range len(b) {
		h = (h ^ uint64(b[i])) * fnvPrime
	}
	return h
}

func finish(h uint64) uint64 {
	h ^= h >> 33
	h *= 0xff51afd7ed558ccd
	h ^= h >> 33
	h *= 0xc4ceb9fe1a85ec53
	h ^= h >> 33
	return h
}
