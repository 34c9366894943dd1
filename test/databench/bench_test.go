package main

import (
	"bytes"
	"context"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	v1 "jindu.dev/jindu/api/v1"
)

func TestFlagsOfAQuickRunGiveWayToThoseGiven(t *testing.T) {
	o, err := parse([]string{"-quick", "-rows", "1000", "-only", "relay,bisect"})
	if err != nil || o.rows != 1000 || o.length != 10*time.Second || o.changes != 100_000 || !slices.Equal(o.only, []string{"relay", "bisect"}) {
		t.Errorf("%+v, %v", o, err)
	}
	if _, err := parse([]string{"-only", "relays"}); err == nil || !strings.Contains(err.Error(), "relays") {
		t.Error(err)
	}
}

func TestQuantilesAndMedians(t *testing.T) {
	var all []time.Duration
	for i := range 100 {
		all = append(all, time.Duration(99-i))
	}
	if quantile(all, 0.5) != 50 || quantile(all, 0.99) != 99 || quantile(all, 1) != 99 || quantile(nil, 0.5) != 0 {
		t.Error(quantile(all, 0.5), quantile(all, 0.99), quantile(all, 1))
	}
	if median([]float64{3, 1, 2}) != 2 || median([]float64{4, 1, 2, 3}) != 2.5 || median(nil) != 0 {
		t.Error("medians")
	}
}

func TestTheTableSaysWhichBoundsAreMissed(t *testing.T) {
	var b table
	b.note("a", "1 ms")
	b.add("b", "2 ms", "below 3 ms", true)
	if b.missed() {
		t.Error("missed")
	}
	b.add("c", "4 ms", "below 3 ms", false)
	text := b.String()
	if !b.missed() || !strings.Contains(text, "| b | 2 ms | below 3 ms | met |") || !strings.Contains(text, "| c | 4 ms | below 3 ms | missed |") || !strings.Contains(text, "| a | 1 ms |  |  |") {
		t.Error(text)
	}
}

func TestPlantedRowsAreSpreadAndFound(t *testing.T) {
	for _, rows := range []int64{1000, 300_000, 10_000_000} {
		ids := plantedIDs(rows)
		if len(slices.Compact(slices.Clone(ids))) != planted || ids[0] != 1 || ids[planted-1] != rows {
			t.Fatalf("%d rows: %v", rows, ids)
		}
		var list []v1.RowDifference
		for _, id := range ids {
			text := strconv.FormatInt(id, 10)
			list = append(list, v1.RowDifference{Key: []v1.ColumnValue{{Name: "id", Value: &text}}})
		}
		if err := found(list, rows); err != nil {
			t.Error(err)
		}
		if found(list[1:], rows) == nil || found(append(list, v1.RowDifference{}), rows) == nil {
			t.Error("a difference too few or too many was not noticed")
		}
	}
}

func TestReportsOfOthersAreRead(t *testing.T) {
	out := "Checking if all tables can be checksummed ...\n            TS ERRORS  DIFFS     ROWS  DIFF_ROWS  CHUNKS SKIPPED    TIME TABLE\n11-23T10:51:00      0      0 10000000          0      21       0   9.120 a.large\n"
	if n, ok := checksummed(out, "a.large"); !ok || n != 10_000_000 {
		t.Error(n, ok)
	}
	if _, ok := checksummed(out, "b.large"); ok {
		t.Error("rows of a table that is not there")
	}
	value, met := summary("  noise precision\n    all            0.998   0.946\n\nevery target met\n")
	if value != "0.998 0.946" || !met {
		t.Error(value, met)
	}
	if value, met := summary("missed: recall\n"); value == "" || met {
		t.Error(value, met)
	}
}

func TestTimesOfProcessesAreRead(t *testing.T) {
	d, err := statCPU("42 (a ) b) S 1 42 42 0 -1 4194560 500 0 0 0 150 50 0 0 20 0 9 0 100 1 1")
	if err != nil || d != 2*time.Second {
		t.Error(d, err)
	}
	for _, bad := range []string{"", "42 (x) S 1", "42 (x) S 1 2 3 4 5 6 7 8 9 10 a b 0 0"} {
		if _, err := statCPU(bad); err == nil {
			t.Errorf("%q is a line of stat", bad)
		}
	}
}

func TestTheCopierCopiesBothWays(t *testing.T) {
	up, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = up.Close() }()
	go func() {
		c, err := up.Accept()
		if err == nil {
			_, _ = io.Copy(c, c)
			_ = c.Close()
		}
	}()
	r, w := io.Pipe()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- copyAll(ctx, up.Addr().String(), w) }()
	line := make([]byte, 64)
	n, err := r.Read(line)
	if err != nil {
		t.Fatal(err)
	}
	address := strings.TrimSpace(strings.TrimPrefix(string(line[:n]), "listening "))
	c, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	want := bytes.Repeat([]byte("SELECT 1;"), 1000)
	go func() { _, _ = c.Write(want) }()
	got := make([]byte, len(want))
	if _, err := io.ReadFull(c, got); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%v", err)
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestACarrierThatIsToldNonsenseSaysSo(t *testing.T) {
	if err := carry(t.Context(), strings.NewReader("no order\n"), io.Discard); err == nil {
		t.Error("it works without an order")
	}
	if err := carry(t.Context(), strings.NewReader(""), io.Discard); err != nil {
		t.Error(err)
	}
}
