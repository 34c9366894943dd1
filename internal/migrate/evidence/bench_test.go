package evidence

import (
	"fmt"
	"strings"
	"testing"

	"jindu.dev/jindu/internal/migrate/compare"
)

// BenchmarkAddOfATriple: three answers of about 1.5 KB, alike but for a moment and a generated id.
func BenchmarkAddOfATriple(b *testing.B) {
	book, err := NewBook(Config{Now: today})
	if err != nil {
		b.Fatal(err)
	}
	doc := func(n int) compare.Answer {
		items := strings.Repeat(`{"sku":"SKU-00001","qty":2,"price":19.90,"title":"机械键盘","attrs":{"color":"red","size":"M"}},`, 14)
		return answer(fmt.Sprintf(`{"id":1234567890123456789,"requestId":"r-%012d","at":%d,"items":[%s{}]}`, n*7919, 1_767_225_600_000+n, items))
	}
	old, second, fresh := doc(1), doc(2), doc(3)
	i := uint64(0)
	b.ReportAllocs()
	for b.Loop() {
		i++
		book.Add(Observation{Endpoint: ep, Cluster: i, Subject: i, At: today, Safe: true, Old: old, Old2: &second, New: fresh})
	}
}
