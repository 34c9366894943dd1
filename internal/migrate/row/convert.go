package row

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// convertible says whether values of one type can be carried to another at all.
func convertible(from, to Type) bool {
	if from == to {
		return true
	}
	number := func(t Type) bool { return t == Integer || t == Decimal || t == Float }
	switch {
	case number(from) && number(to):
		return true
	case to == Text || from == Text:
		return from != Bytes && to != Bytes
	}
	switch (pair{from, to}) {
	case pair{Bool, Integer}, pair{Integer, Bool}, pair{Bits, Bool}, pair{Bool, Bits}, pair{Bits, Integer}, pair{Integer, Bits},
		pair{Bytes, UUID}, pair{UUID, Bytes}, pair{Date, Local}, pair{Local, Date}:
		return true
	}
	return false
}

type pair struct{ from, to Type }

// risky says whether only some texts can be read as the type, so that a rule must ask for it.
func risky(from, to Type) bool {
	switch to {
	case Bool, Integer, Decimal, Float, Date, Clock, Local, Instant, Bits:
		return from == Text
	}
	return false
}

// convert carries a canonical text from one type to a column's.
func convert(text string, from Type, to *Column) (string, bool) {
	if from == to.Type {
		return text, true
	}
	switch to.Type {
	case Text:
		return text, true
	case Bool:
		switch from {
		case Bits:
			text = strings.TrimLeft(text, "0")
			if text == "" {
				text = "0"
			}
			fallthrough
		case Integer:
			b := boolText(text)
			return b, b != text
		}
	case Integer:
		switch from {
		case Bool:
			return boolDigit(text), true
		case Bits:
			n, err := strconv.ParseUint(text, 2, 64)
			return strconv.FormatUint(n, 10), err == nil
		case Decimal, Float:
			return text, isInteger(text)
		}
	case Decimal:
		if from != Text {
			return text, from == Integer || !special(text)
		}
	case Float:
		if from != Text {
			return text, exactFloat(text, to.Length)
		}
	case Bits:
		switch from {
		case Bool:
			return pad(boolDigit(text), to.Length), len(text) > 3 // not the digits of an odd TINYINT(1)
		case Integer:
			n, err := strconv.ParseUint(text, 10, 64)
			return pad(strconv.FormatUint(n, 2), to.Length), err == nil
		}
	case UUID:
		return uuidText(text)
	case Bytes:
		return strings.ReplaceAll(text, "-", ""), from == UUID
	case Local:
		if from == Date {
			return text + "T00:00:00", true
		}
	case Date:
		if from == Local {
			return strings.CutSuffix(text, "T00:00:00")
		}
	}
	if from == Text {
		plainTo := *to
		plainTo.Padded = false
		out, ok := canonText(&plainTo, text)
		return out, ok && to.Type != Bytes
	}
	return "", false
}

// fit makes a canonical text what the column gives back once it holds it, or says that it cannot hold it.
func fit(text string, c *Column) (string, string) {
	switch c.Type {
	case Text:
		if c.Padded {
			text = strings.TrimRight(text, " ")
		}
		if c.Length > 0 && len(text) > c.Length && utf8.RuneCountInString(text) > c.Length {
			return "", "has more than " + strconv.Itoa(c.Length) + " characters"
		}
	case Decimal:
		if c.Scale >= 0 && fraction(text) > c.Scale {
			return "", "has more than " + strconv.Itoa(c.Scale) + " digits behind the point"
		}
	case Integer:
		if c.Unsigned && strings.HasPrefix(text, "-") {
			return "", "is negative"
		}
	case Clock, Local, Instant:
		return cutFraction(text, c.Scale), ""
	case Bytes:
		if c.Length > 0 && len(text) > 2*c.Length {
			return "", "has more than " + strconv.Itoa(c.Length) + " bytes"
		}
		if c.Padded {
			text += strings.Repeat("00", c.Length-len(text)/2)
		}
	case Bits:
		if c.Length > 0 && len(text) > c.Length {
			return "", "has more than " + strconv.Itoa(c.Length) + " bits"
		}
	case Bool:
		if c.Native == "boolean" && text != "true" && text != "false" {
			return "", "is neither true nor false"
		}
	}
	return text, ""
}
