package bolt

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"os"
)

// The check of pages is our own and not that of bbolt, which follows a damaged page anywhere: into
// memory that is not there, or through four thousand million pages. Layout of a file of bbolt, in the
// byte order of the machine: pages of one size, each {id 8, flags 2, count 2, overflow 4} and content;
// pages 0 and 1 are heads, of which the one with the higher transaction counts.
const (
	pageHeader = 16
	headLength = 64
	elementLen = 16

	branchPage   = 0x01
	leafPage     = 0x02
	freelistPage = 0x10
	bucketLeaf   = 0x01
)

var order = binary.NativeEndian

// fileHead is a head of the file.
type fileHead struct {
	pageSize, root, freelist, end, txid uint64 // page numbers; end is the first page beyond
}

func readHead(f *os.File, offset int64) (fileHead, error) {
	b := make([]byte, headLength)
	if _, err := f.ReadAt(b, offset+pageHeader); err != nil {
		return fileHead{}, fmt.Errorf("it is too short: %w", err)
	}
	sum := fnv.New64a()
	_, _ = sum.Write(b[:headLength-8]) // never fails
	if order.Uint64(b[headLength-8:]) != sum.Sum64() {
		return fileHead{}, fmt.Errorf("the head at byte %d is damaged", offset)
	}
	return fileHead{uint64(order.Uint32(b[8:])), order.Uint64(b[16:]), order.Uint64(b[32:]), order.Uint64(b[40:]), order.Uint64(b[48:])}, nil
}

// readHeads wants both heads whole. bbolt is content with one, and would go back by one acknowledged
// transaction where the newer one is damaged.
func readHeads(f *os.File) (fileHead, error) {
	first, err := readHead(f, 0)
	if err != nil {
		return first, err
	}
	second, err := readHead(f, int64(first.pageSize))
	if err == nil && second.txid > first.txid {
		first = second
	}
	return first, err
}

// pageWalk goes through all pages of a file; every one must be used once or be free.
type pageWalk struct {
	f    *os.File
	head fileHead
	used []bool
}

// checkPages checks that the pages of f hang together: no page twice, none lost, none used and free,
// every key and value within its page.
func checkPages(f *os.File, size int64) error {
	head, err := readHeads(f)
	if err != nil {
		return err
	}
	if head.pageSize < 512 || head.end > uint64(size)/head.pageSize {
		return fmt.Errorf("it has %d bytes of %d", size, head.end*head.pageSize)
	}
	w := pageWalk{f, head, make([]bool, head.end)}
	for page := range min(2, head.end) {
		w.used[page] = true
	}
	if err := w.tree(head.root, 0); err != nil {
		return err
	}
	if err := w.free(head.freelist); err != nil {
		return err
	}
	for page, used := range w.used {
		if !used {
			return fmt.Errorf("page %d is lost", page)
		}
	}
	return nil
}

// page reads a page with its overflow, and marks them used.
func (w *pageWalk) page(id uint64) (flags, count int, content []byte, err error) {
	header := make([]byte, pageHeader)
	if id < 2 || id >= w.head.end {
		return 0, 0, nil, fmt.Errorf("page %d is beyond the file", id)
	}
	if _, err := w.f.ReadAt(header, int64(id*w.head.pageSize)); err != nil {
		return 0, 0, nil, fmt.Errorf("page %d: %w", id, err)
	}
	overflow := uint64(order.Uint32(header[12:]))
	if order.Uint64(header) != id || id+overflow >= w.head.end {
		return 0, 0, nil, fmt.Errorf("page %d is damaged", id)
	}
	for page := id; page <= id+overflow; page++ {
		if w.used[page] {
			return 0, 0, nil, fmt.Errorf("page %d is used twice", page)
		}
		w.used[page] = true
	}
	content = make([]byte, (overflow+1)*w.head.pageSize)
	if _, err := w.f.ReadAt(content, int64(id*w.head.pageSize)); err != nil {
		return 0, 0, nil, fmt.Errorf("page %d: %w", id, err)
	}
	flags, count = int(order.Uint16(header[8:])), int(order.Uint16(header[10:]))
	if flags != freelistPage && pageHeader+count*elementLen > len(content) {
		return 0, 0, nil, fmt.Errorf("page %d is damaged", id)
	}
	return flags, count, content, nil
}

// tree walks a branch or a leaf and what is below it.
func (w *pageWalk) tree(id uint64, depth int) error {
	flags, count, content, err := w.page(id)
	if err != nil {
		return err
	}
	if flags != branchPage && flags != leafPage || depth > 64 {
		return fmt.Errorf("page %d is neither branch nor leaf", id)
	}
	for i := range count {
		at := pageHeader + i*elementLen
		element := content[at : at+elementLen]
		if flags == branchPage {
			if !within(content, at, order.Uint32(element), order.Uint32(element[4:]), 0) {
				return fmt.Errorf("page %d has a key beyond its end", id)
			}
			if err := w.tree(order.Uint64(element[8:]), depth+1); err != nil {
				return err
			}
			continue
		}
		pos, ksize, vsize := order.Uint32(element[4:]), order.Uint32(element[8:]), order.Uint32(element[12:])
		if !within(content, at, pos, ksize, vsize) {
			return fmt.Errorf("page %d has a value beyond its end", id)
		}
		if order.Uint32(element)&bucketLeaf == 0 {
			continue
		}
		value := content[at+int(pos)+int(ksize):][:vsize]
		if len(value) < 16 {
			return fmt.Errorf("page %d has a damaged bucket", id)
		}
		if root := order.Uint64(value); root != 0 { // 0: the bucket is small and stands here
			if err := w.tree(root, depth+1); err != nil {
				return err
			}
		} else if err := inline(value[16:]); err != nil {
			return fmt.Errorf("page %d: %w", id, err)
		}
	}
	return nil
}

// within says whether a key and a value, pos bytes after their element at at, are inside content.
func within(content []byte, at int, pos, ksize, vsize uint32) bool {
	return uint64(at)+uint64(pos)+uint64(ksize)+uint64(vsize) <= uint64(len(content))
}

// inline checks a small bucket, a leaf without a page of its own.
func inline(content []byte) error {
	if len(content) < pageHeader || order.Uint16(content[8:]) != leafPage {
		return fmt.Errorf("a small bucket is damaged")
	}
	for i := range int(order.Uint16(content[10:])) {
		at := pageHeader + i*elementLen
		if at+elementLen > len(content) {
			return fmt.Errorf("a small bucket is damaged")
		}
		e := content[at : at+elementLen]
		if order.Uint32(e)&bucketLeaf != 0 || !within(content, at, order.Uint32(e[4:]), order.Uint32(e[8:]), order.Uint32(e[12:])) {
			return fmt.Errorf("a small bucket has a value beyond its end")
		}
	}
	return nil
}

// free reads the list of free pages.
func (w *pageWalk) free(id uint64) error {
	flags, count, content, err := w.page(id)
	if err != nil {
		return err
	}
	ids := content[pageHeader:]
	n := uint64(count)
	if count == 0xffff && len(ids) >= 8 { // too many for the header
		n, ids = order.Uint64(ids), ids[8:]
	}
	if flags != freelistPage || n > uint64(len(ids))/8 {
		return fmt.Errorf("the list of free pages is damaged")
	}
	for i := range n {
		page := order.Uint64(ids[i*8:])
		if page < 2 || page >= w.head.end || w.used[page] {
			return fmt.Errorf("page %d is free and used", page)
		}
		w.used[page] = true
	}
	return nil
}
