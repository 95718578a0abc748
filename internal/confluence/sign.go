package confluence

import "strings"

// Sign is the set of signs that a number may have.
type Sign uint8

// The single signs. A Sign is any union of them.
const (
	Negative Sign = 1 << iota
	Zero
	Positive

	anySign     = Negative | Zero | Positive
	nonNegative = Zero | Positive
	nonPositive = Zero | Negative
)

// within reports whether every sign of s is one of t.
func (s Sign) within(t Sign) bool { return s&^t == 0 }

// String is the sign in words.
func (s Sign) String() string {
	switch s {
	case Negative:
		return "negative"
	case Positive:
		return "positive"
	case Zero:
		return "zero"
	case nonNegative:
		return "not negative"
	case nonPositive:
		return "not positive"
	}
	return "of unknown sign"
}

// signOf returns the sign of a numeric literal.
func signOf(literal string) Sign {
	digits := strings.TrimLeft(literal, "-+ ")
	if digits == "" || strings.Trim(digits, "0123456789.eE+-") != "" {
		return anySign
	}
	mantissa, _, _ := strings.Cut(strings.ToLower(digits), "e")
	switch {
	case strings.Trim(mantissa, "0.") == "":
		return Zero
	case strings.HasPrefix(strings.TrimSpace(literal), "-"):
		return Negative
	}
	return Positive
}

func (s Sign) negate() Sign {
	return s&Zero | s&Negative<<2 | s&Positive>>2
}

// combine applies f to every pair of single signs.
func combine(a, b Sign, f func(a, b Sign) Sign) Sign {
	var out Sign
	for _, x := range []Sign{Negative, Zero, Positive} {
		for _, y := range []Sign{Negative, Zero, Positive} {
			if a&x != 0 && b&y != 0 {
				out |= f(x, y)
			}
		}
	}
	return out
}

// add returns the signs that a sum may have.
func (s Sign) add(t Sign) Sign {
	return combine(s, t, func(a, b Sign) Sign {
		switch {
		case a == Zero:
			return b
		case b == Zero || a == b:
			return a
		}
		return anySign
	})
}

// times returns the signs that a product may have. A quotient of the same has no others, but may round to zero.
func (s Sign) times(t Sign) Sign {
	return combine(s, t, func(a, b Sign) Sign {
		switch {
		case a == Zero || b == Zero:
			return Zero
		case a == b:
			return Positive
		}
		return Negative
	})
}
