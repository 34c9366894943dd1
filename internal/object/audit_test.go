package object_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/kit/kind"
	"jindu.dev/jindu/internal/object"
)

func TestTheAuditLogIsPagedFilteredAndBounded(t *testing.T) {
	o := object.New(newStore(t), object.Types(), nil, object.Options{Now: clock(), MaxAudit: 250})
	const writes = 400
	for i := range writes {
		apply(t, o, service(fmt.Sprintf("s%d", i), "x"), object.Created)
	}
	var revisions []int64
	next := int64(0)
	for pages := 0; ; pages++ {
		page, err := o.Audit(t.Context(), object.AuditQuery{Before: next, Limit: 30})
		if err != nil {
			t.Fatal(err)
		}
		if page.Trimmed != writes-250 {
			t.Fatalf("trimmed %d, want %d", page.Trimmed, writes-250)
		}
		for _, r := range page.Items {
			revisions = append(revisions, r.Revision)
		}
		if next = page.Next; next == 0 {
			break
		}
		if pages > 20 {
			t.Fatal("the pages do not end")
		}
	}
	if len(revisions) != 250 || revisions[0] != writes || revisions[249] != writes-249 || !slices.IsSortedFunc(revisions, func(a, b int64) int { return int(b - a) }) {
		t.Errorf("%d records, from %d to %d", len(revisions), revisions[0], revisions[len(revisions)-1])
	}
	one := audit(t, o, object.AuditQuery{Kind: v1.KindService, Name: "s390"})
	if len(one) != 1 || one[0].Name != "s390" {
		t.Errorf("filtered: %+v", one)
	}
	if none := audit(t, o, object.AuditQuery{Kind: v1.KindRoute}); len(none) != 0 {
		t.Errorf("of another kind: %+v", none)
	}
	if all := audit(t, o, object.AuditQuery{}); len(all) != 100 {
		t.Errorf("by default %d records", len(all))
	}
}

func TestTheAuditLogIsBoundedInBytes(t *testing.T) {
	o := object.New(newStore(t), object.Types(), nil, object.Options{Now: clock(), MaxAuditBytes: 100_000})
	for i := range 40 {
		apply(t, o, service("a", strings.Repeat("x", 10_000+i)), map[bool]object.Outcome{true: object.Created, false: object.Updated}[i == 0])
	}
	page, err := o.Audit(t.Context(), object.AuditQuery{})
	if err != nil {
		t.Fatal(err)
	}
	size := 0
	for _, r := range page.Items {
		size += len(r.Before) + len(r.After)
	}
	if size > 100_000 || len(page.Items) == 0 || page.Trimmed != int64(40-len(page.Items)) {
		t.Errorf("%d records of %d bytes are kept, %d trimmed", len(page.Items), size, page.Trimmed)
	}
}

func TestACommandIsRecordedAndChangesNothing(t *testing.T) {
	o := object.New(newStore(t), object.Types(), nil, object.Options{Now: clock()})
	before := apply(t, o, service("a", "x"), object.Created)
	if err := o.Command(t.Context(), v1.KindService, "a", "ann", map[string]string{"command": "repair", "id": "r-1"}); err != nil {
		t.Fatal(err)
	}
	after, err := o.Get(t.Context(), v1.KindService, "a", 0)
	if err != nil || after.Metadata.Revision <= before.Metadata.Revision || string(after.Spec) != string(before.Spec) {
		t.Errorf("%+v %v", after.Metadata, err)
	}
	page, err := o.Audit(t.Context(), object.AuditQuery{Name: "a"})
	if err != nil || len(page.Items) != 2 || page.Items[0].Action != "command" || page.Items[0].By != "ann" || !strings.Contains(string(page.Items[0].After), "r-1") {
		t.Errorf("%+v %v", page, err)
	}
	if err := o.Command(t.Context(), v1.KindService, "b", "ann", "x"); kind.Of(err) != kind.NotFound {
		t.Errorf("no such object: %v", err)
	}
	if err := o.Command(t.Context(), v1.KindService, "a", "ann", func() {}); kind.Of(err) != kind.Internal {
		t.Errorf("no JSON: %v", err)
	}
}
