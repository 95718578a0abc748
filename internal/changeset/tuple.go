package changeset

// Tuple is a row, or the key of one, by the columns of its Relation.
type Tuple []Value

// Value is one column of a Tuple.
type Value struct {
	Form Form
	Data []byte // of a TextValue or BinaryValue
}

// Form says what stands for a value. A value's form is that of its column's
// format, or one of the forms without data.
type Form byte

// The forms of a value.
const (
	Null        Form = 'n' // null; in a key's tuple also: not part of the key
	Unchanged   Form = 'u' // stored out of line and the same as before: only in an Update's New
	TextValue   Form = 't'
	BinaryValue Form = 'b'
)

// OldKind says what the old tuple of an Update or Delete holds.
type OldKind byte

// The kinds of old tuples.
const (
	OldNone OldKind = 0   // no old tuple: the new one's key finds the row
	OldKey  OldKind = 'K' // the columns of the key; the others are Null
	OldRow  OldKind = 'O' // the whole row
)

// newMark stands before a new tuple.
const newMark = 'N'

func appendTuple(b []byte, mark byte, tuple Tuple) []byte {
	b = append(b, mark)
	b = appendCount16(b, len(tuple))
	for _, value := range tuple {
		b = append(b, byte(value.Form))
		if value.Form == TextValue || value.Form == BinaryValue {
			b = appendBytes32(b, value.Data)
		}
	}
	return b
}

// tuple reads a tuple; the data of its values aliases the input.
func (c *cursor) tuple() Tuple {
	tuple := make(Tuple, c.count(uint64(c.u16()), 1))
	for i := range tuple {
		tuple[i].Form = Form(c.u8())
		switch tuple[i].Form {
		case Null, Unchanged:
		case TextValue, BinaryValue:
			tuple[i].Data = c.bytes32()
		default:
			c.fail("unknown form of a value %q", tuple[i].Form)
		}
	}
	return tuple
}

func (c *cursor) newTuple() Tuple {
	if mark := c.u8(); mark != newMark {
		c.fail("%q where the new tuple should be", mark)
	}
	return c.tuple()
}
