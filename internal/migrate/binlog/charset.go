package binlog

import (
	"strings"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/traditionalchinese"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/encoding/unicode/utf32"
)

// decoder appends text of a character set as UTF-8.
type decoder func(dst, b []byte) ([]byte, error)

// charsets are those of MariaDB and MySQL that are not UTF-8 already. latin1 is the server's: Windows-1252,
// and where that has nothing, the control character of the same number.
var charsets = map[string]encoding.Encoding{
	"gbk": simplifiedchinese.GBK, "gb2312": simplifiedchinese.GBK, "gb18030": simplifiedchinese.GB18030,
	"big5": traditionalchinese.Big5, "sjis": japanese.ShiftJIS, "cp932": japanese.ShiftJIS,
	"ujis": japanese.EUCJP, "eucjpms": japanese.EUCJP, "euckr": korean.EUCKR,
	"latin2": charmap.ISO8859_2, "latin5": charmap.ISO8859_9, "latin7": charmap.ISO8859_13, "greek": charmap.ISO8859_7,
	"hebrew": charmap.ISO8859_8, "cp1250": charmap.Windows1250, "cp1251": charmap.Windows1251,
	"cp1256": charmap.Windows1256, "cp1257": charmap.Windows1257, "koi8r": charmap.KOI8R, "koi8u": charmap.KOI8U,
	"cp850": charmap.CodePage850, "cp852": charmap.CodePage852, "cp866": charmap.CodePage866, "tis620": charmap.Windows874,
	"ucs2": unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM), "utf16": unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM),
	"utf16le": unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM), "utf32": utf32.UTF32(utf32.BigEndian, utf32.IgnoreBOM),
}

// decoderOf is the decoder of a character set, nil for those whose bytes are UTF-8; ok is false for one that
// is not known.
func decoderOf(charset string) (d decoder, ok bool) {
	switch charset = strings.ToLower(charset); charset {
	case "", "binary", "utf8", "utf8mb3", "utf8mb4", "ascii":
		return nil, true
	case "latin1":
		return latin1, true
	}
	e, ok := charsets[charset]
	if !ok {
		return nil, false
	}
	return func(dst, b []byte) ([]byte, error) {
		if plain(b) && charset != "ucs2" && !strings.HasPrefix(charset, "utf") {
			return append(dst, b...), nil
		}
		text, err := e.NewDecoder().Bytes(b)
		if err != nil {
			return dst, errCharset
		}
		return append(dst, text...), nil
	}, true
}

func plain(b []byte) bool {
	for _, c := range b {
		if c >= 0x80 {
			return false
		}
	}
	return true
}

func latin1(dst, b []byte) ([]byte, error) {
	for _, c := range b {
		switch {
		case c < 0x80:
			dst = append(dst, c)
		case c >= 0xa0:
			dst = append(dst, string(rune(c))...)
		default:
			if r := charmap.Windows1252.DecodeByte(c); r != '�' {
				dst = append(dst, string(r)...)
			} else {
				dst = append(dst, string(rune(c))...)
			}
		}
	}
	return dst, nil
}
