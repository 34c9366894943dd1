package conf

import (
	"bytes"
	"fmt"
	"reflect"
	"strings"
)

// width is where comments wrap.
const width = 100

// Example is the whole configuration with the defaults in cfg and what each key means, as a YAML file
// that loads as these defaults.
func Example(heading string, cfg any) []byte {
	v := reflect.Indirect(reflect.ValueOf(cfg))
	root := rootOf(v.Type())
	var b bytes.Buffer
	comment(&b, "", heading)
	example(&b, &root, v, "")
	return b.Bytes()
}

func example(b *bytes.Buffer, k *key, root reflect.Value, indent string) {
	for i := range k.keys {
		c := &k.keys[i]
		if indent == "" || c.section() {
			b.WriteByte('\n')
		}
		if c.section() {
			comment(b, indent, c.doc)
			fmt.Fprintf(b, "%s%s:\n", indent, c.name)
			example(b, c, root, indent+"  ")
			continue
		}
		comment(b, indent, describe(c))
		v := root.FieldByIndex(c.index)
		switch {
		case c.typ == secretType && v.IsZero():
			fmt.Fprintf(b, "%s# %s: file:/path/to/it\n", indent, c.name)
		case c.typ.Kind() == reflect.Pointer && v.IsNil():
			fmt.Fprintf(b, "%s# %s:\n", indent, c.name)
		default:
			fmt.Fprintf(b, "%s%s: %s\n", indent, c.name, line(v))
		}
	}
}

// describe is the comment of a leaf.
func describe(k *key) string {
	text := k.doc
	if len(k.enum) > 0 {
		text += " One of " + strings.Join(k.enum, ", ") + "."
	}
	if k.live {
		text += " Reloadable."
	}
	return strings.TrimSpace(text)
}

func comment(b *bytes.Buffer, indent, text string) {
	for para := range strings.SplitSeq(text, "\n") {
		at := 0
		for word := range strings.FieldsSeq(para) {
			switch {
			case at == 0:
				b.WriteString(indent + "#")
				at = len(indent) + 1
			case at+1+len(word) > width:
				b.WriteString("\n" + indent + "#")
				at = len(indent) + 1
			}
			b.WriteString(" " + word)
			at += 1 + len(word)
		}
		if at > 0 {
			b.WriteByte('\n')
		}
	}
}

// Print is the configuration in force as YAML, each leaf with what set it. Secrets are references.
func Print(cfg any, result Result) []byte {
	v := reflect.Indirect(reflect.ValueOf(cfg))
	root := rootOf(v.Type())
	var b bytes.Buffer
	printSection(&b, &root, v, result.Origins, "")
	return b.Bytes()
}

func printSection(b *bytes.Buffer, k *key, root reflect.Value, origins map[string]Origin, indent string) {
	for i := range k.keys {
		c := &k.keys[i]
		if c.section() {
			fmt.Fprintf(b, "%s%s:\n", indent, c.name)
			printSection(b, c, root, origins, indent+"  ")
			continue
		}
		entry := indent + c.name + ": " + line(root.FieldByIndex(c.index))
		fmt.Fprintf(b, "%-40s # %v\n", entry, origins[c.path])
	}
}
