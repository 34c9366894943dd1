package evidence

import "slices"

// exactSeen is the number of hashes kept exactly before a seen turns into a sketch.
const exactSeen = 64

// seen remembers which hashes were added, in bounded space: exactly at first, then as a Bloom filter. A
// filter that errs takes a new hash for an old one, so that it is not counted: evidence is lost, never
// made up, and alike in both directions.
type seen struct {
	bits  int // size of the filter; a power of two
	few   []uint64
	bloom []uint64
	n     int64 // added for the first time
}

const bloomHashes = 4

// add says whether h was not there before.
func (s *seen) add(h uint64) bool {
	h = scramble(h)
	if s.bloom == nil {
		if slices.Contains(s.few, h) {
			return false
		}
		s.n++
		if len(s.few) < exactSeen {
			s.few = append(s.few, h)
			return true
		}
		s.bloom = make([]uint64, s.bits/64)
		for _, x := range s.few {
			s.set(x)
		}
		s.few = nil
		s.set(h)
		return true
	}
	if !s.set(h) {
		return false
	}
	s.n++
	return true
}

// set sets the bits of h and says whether one of them was clear.
func (s *seen) set(h uint64) bool {
	fresh := false
	step := h>>32 | 1
	for i := range uint64(bloomHashes) {
		at := (h + i*step) & uint64(s.bits-1)
		if word, bit := at/64, uint64(1)<<(at%64); s.bloom[word]&bit == 0 {
			s.bloom[word] |= bit
			fresh = true
		}
	}
	return fresh
}

// count is the number of different hashes added: exact at first, then a lower bound that stays within a
// few percent while the filter is less than half full.
func (s *seen) count() int64 { return s.n }

func (s *seen) reset() { s.few, s.bloom, s.n = s.few[:0], nil, 0 }

// scramble spreads a hash, so that small numbers make good ones too.
func scramble(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
