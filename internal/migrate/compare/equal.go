package compare

import "strings"

// equal says whether two values at one place are alike under the rules. It is for values that are not
// both objects or both lists with parts; those are walked. A nil value is an absent member.
func (r *Rules) equal(path int32, a, b *Value) bool {
	if a == nil || b == nil {
		return r.likeAbsent(a) && r.likeAbsent(b)
	}
	if a.Type == b.Type && a.Text == b.Text && a.Scalar() {
		return a.escaped == b.escaped || r.on[ruleHTMLEscaping]
	}
	return r.on[ruleEmptyListNull] && emptyList(a) && emptyList(b) ||
		r.on[ruleEmptyStringNull] && emptyString(a) && emptyString(b) ||
		r.on[ruleStringTrim] && a.Type == String && b.Type == String && strings.TrimSpace(a.Text) == strings.TrimSpace(b.Text) ||
		r.equalNumbers(a, b) ||
		r.on[ruleBooleanForms] && sameBoolean(a, b) ||
		r.on[ruleEnumOrdinal] && r.sameEnum(path, a, b) ||
		r.on[ruleDateForms] && r.sameMoment(a, b)
}

// likeAbsent says whether a value may stand for an absent member.
func (r *Rules) likeAbsent(v *Value) bool {
	if v == nil {
		return true
	}
	return r.on[ruleNullAbsent] && (v.Type == Null || r.on[ruleEmptyListNull] && emptyList(v) || r.on[ruleEmptyStringNull] && emptyString(v))
}

func emptyList(v *Value) bool { return v.Type == Null || v.Type == Array && len(v.Kids) == 0 }

func emptyString(v *Value) bool { return v.Type == Null || v.Type == String && v.Text == "" }

func (r *Rules) equalNumbers(a, b *Value) bool {
	if a.Type != Number && b.Type != Number || !numeric(a) || !numeric(b) {
		return false
	}
	if a.Type != b.Type && !r.on[ruleNumberAsString] {
		return false
	}
	if a.Text == b.Text {
		return true
	}
	exponent := strings.ContainsAny(a.Text, "eE") || strings.ContainsAny(b.Text, "eE")
	if r.on[ruleNumberScale] || exponent && r.on[ruleNumberExponent] {
		return canonicalNumber(a.Text) == canonicalNumber(b.Text)
	}
	return false
}

func numeric(v *Value) bool { return v.Type == Number || v.Type == String && isNumber(v.Text) }

func sameBoolean(a, b *Value) bool {
	x, ok1 := boolean(a)
	y, ok2 := boolean(b)
	return ok1 && ok2 && x == y
}

func boolean(v *Value) (value, ok bool) {
	if !v.Scalar() {
		return false, false
	}
	switch strings.ToLower(v.Text) {
	case "true", "1", "y":
		return true, true
	case "false", "0", "n":
		return false, true
	}
	return false, false
}

func (r *Rules) sameEnum(path int32, a, b *Value) bool {
	if len(r.enums) == 0 || !a.Scalar() || !b.Scalar() {
		return false
	}
	names := r.enums[r.paths.name(path)]
	x, ok := names[a.Text]
	return ok && x == names[b.Text]
}
