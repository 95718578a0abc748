package changeset

import "math"

// LargeObject says that the transaction made a large object, which has no
// pages yet and whose number is the same on every node.
type LargeObject struct {
	Object uint32 // never 0
	Owner  string // the role that made it
	// Next is the number that the leader's server would give out next: a
	// follower gives out none before it.
	Next uint32
}

func (LargeObject) kind() byte { return kindLargeObject }

func (m LargeObject) appendBody(b []byte) []byte {
	b = appendU32(b, m.Object)
	b = appendCstr(b, m.Owner)
	return appendU32(b, m.Next)
}

func (c *cursor) largeObject() LargeObject {
	m := LargeObject{Object: c.u32(), Owner: c.cstr(), Next: c.u32()}
	if m.Object == 0 {
		c.fail("large object without a number")
	}
	return m
}

// UnlinkedLargeObject takes a large object away, with its rights and its
// comment. Its pages go by RemovedPages.
type UnlinkedLargeObject struct {
	Object uint32
}

func (UnlinkedLargeObject) kind() byte { return kindUnlinked }

func (m UnlinkedLargeObject) appendBody(b []byte) []byte { return appendU32(b, m.Object) }

// MaxPage is how many bytes a page of a large object holds at most: a quarter
// of a block (PostgreSQL's LOBLKSIZE).
const MaxPage = 2048

// WrittenPages are pages of a large object as they became, one after the other.
type WrittenPages struct {
	Object uint32
	First  uint32 // the number of the first page, at most 2^31 - 1
	Pages  []Page // at least one
}

// Page is a page of a large object.
type Page struct {
	Replaces bool   // whether there was one of this number before
	Data     []byte // at most MaxPage bytes; what is missing reads as zeroes
}

func (WrittenPages) kind() byte { return kindPages }

func (m WrittenPages) appendBody(b []byte) []byte {
	b = appendU32(b, m.Object)
	b = appendU32(b, m.First)
	for _, page := range m.Pages {
		b = appendBool(b, page.Replaces)
		b = append(appendCount16(b, len(page.Data)), page.Data...)
	}
	return b
}

func (c *cursor) writtenPages() WrittenPages {
	m := WrittenPages{Object: c.u32(), First: c.u32()}
	for c.err == nil && len(c.rest) > 0 {
		page := Page{Replaces: c.boolean("replaces"), Data: c.take(uint64(c.u16()))}
		if len(page.Data) > MaxPage {
			c.fail("page of %d bytes", len(page.Data))
		}
		m.Pages = append(m.Pages, page)
	}
	c.pageRange(m.First, uint64(len(m.Pages)))
	return m
}

// RemovedPages are pages of a large object that are there no more, one after
// the other.
type RemovedPages struct {
	Object uint32
	First  uint32 // the number of the first page, at most 2^31 - 1
	Count  uint32 // at least 1
}

func (RemovedPages) kind() byte { return kindRemoved }

func (m RemovedPages) appendBody(b []byte) []byte {
	b = appendU32(b, m.Object)
	b = appendU32(b, m.First)
	return appendU32(b, m.Count)
}

func (c *cursor) removedPages() RemovedPages {
	m := RemovedPages{Object: c.u32(), First: c.u32(), Count: c.u32()}
	c.pageRange(m.First, uint64(m.Count))
	return m
}

// pageRange checks the numbers of pages, of which there must be one.
func (c *cursor) pageRange(first uint32, count uint64) {
	if count == 0 || uint64(first)+count > math.MaxInt32+1 {
		c.fail("%d pages from %d on", count, first)
	}
}
