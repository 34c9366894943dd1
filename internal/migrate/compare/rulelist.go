package compare

// rule is the place of an equivalence rule in RuleList.
type rule uint8

// The rules, in the order of RuleList.
const (
	ruleNullAbsent rule = iota
	ruleEmptyListNull
	ruleEmptyStringNull
	ruleHTMLEscaping
	ruleDateForms
	ruleDateDefaultZone
	ruleNumberScale
	ruleNumberExponent
	ruleNumberAsString
	ruleBooleanForms
	ruleEnumOrdinal
	ruleStringTrim
	ruleFastjsonRef
	ruleGBK
	ruleContentEncoding
	ruleContentTypeCharset
	ruleCookieValues
	ruleETagPresence
	ruleErrorBody
	ruleCount
)

// RuleInfo describes an equivalence rule: a difference between an old and a new implementation that a
// team may declare to be none. A rule is off by default when a client could notice the difference.
type RuleInfo struct {
	Name    string
	Default bool
	Doc     string // what is alike while it is on
	Why     string // of the default
}

// RuleList lists the rules that CompareSpec.Rules may switch. Not in the list, because no client can tell:
// order of members and space in JSON, \u escapes of other characters, case of header names, framing
// headers (length, chunks, connection), order of cache directives. See docs/guide/compare.md.
func RuleList() []RuleInfo {
	return []RuleInfo{
		ruleNullAbsent:         {"null-absent", false, "a member that is null and one that is absent", "a lost field looks like this; required fields, containsKey and patches notice"},
		ruleEmptyListNull:      {"empty-list-null", false, "[] and null", "a client that iterates over null fails"},
		ruleEmptyStringNull:    {"empty-string-null", false, "an empty string and null, as in Oracle and DM8", "a client that calls a method on null fails"},
		ruleHTMLEscaping:       {"html-escaping", true, `"<" and "\u003c" in JSON, and > & U+2028 U+2029 alike`, "every JSON parser reads the same string; switch it off where bytes are signed"},
		ruleDateForms:          {"date-forms", false, "one moment written in two forms: RFC 3339, +0000, epoch seconds to nanoseconds, Jackson arrays, HTTP dates, other fractions", "a client parses one form"},
		ruleDateDefaultZone:    {"date-default-zone", false, "with date-forms: a form without zone is read as Asia/Shanghai (fastjson, Date.toString)", "it would hide exactly the eight-hour mistake"},
		ruleNumberScale:        {"number-scale", false, "numbers of one value with other zeros: 1.10 and 1.1, 1.0 and 1", "BigDecimal keeps the scale, and a lost one is the trace of money in floating point"},
		ruleNumberExponent:     {"number-exponent", true, "numbers of one value when either is written with an exponent: 1.0E10 and 10000000000", "the notation is not data; the value is compared exactly"},
		ruleNumberAsString:     {"number-as-string", false, `a number and the same number in quotes: 9007199254740993 and "9007199254740993"`, "a typed client fails, and JavaScript loses digits of the bare number"},
		ruleBooleanForms:       {"boolean-forms", false, `true, "true", 1, "1", "Y"; false likewise`, "a typed client fails"},
		ruleEnumOrdinal:        {"enum-ordinal", false, "an enum's name and its ordinal, at the paths of spec.compare.enums", "a client knows one of them"},
		ruleStringTrim:         {"string-trim", false, "strings but for space around them (CHAR padding)", "a key with spaces is another key"},
		ruleFastjsonRef:        {"fastjson-ref", false, `{"$ref":"$.a"} and the value it points to`, "only fastjson understands the reference"},
		ruleGBK:                {"gbk", true, "a body in GBK or GB18030 and one in UTF-8, each read by its declared charset", "a client reads by the charset too; that header is compared by itself"},
		ruleContentEncoding:    {"content-encoding", true, "a body that is compressed with gzip and one that is not", "the client asked for it, and compressors differ in bytes"},
		ruleContentTypeCharset: {"content-type-charset", true, "application/json with and without charset=utf-8", "RFC 8259: the parameter means nothing for JSON"},
		ruleCookieValues:       {"cookie-values", true, "cookies of one name and flags, whatever value and expiry", "sessions differ from answer to answer; lost flags (HttpOnly, Secure, SameSite) still count"},
		ruleETagPresence:       {"etag-presence", true, "two ETags, whatever their value", "implementations digest differently; one that is missing still counts"},
		ruleErrorBody:          {"error-body", false, "the body of an error in Spring's shape (timestamp, status, error, path) and another JSON object, but for status and code", "clients read messages too"},
	}
}
