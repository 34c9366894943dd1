package redis

import (
	"bytes"
)

// names carries out SCAN and KEYS: the users' keys but for those that shadows own, and those of shadows by
// their own names.
func (s *session) names(name string, args [][]byte) error {
	a, err := s.openAside()
	if err != nil {
		return err
	}
	pattern := []byte("*")
	switch {
	case name == "keys" && len(args) == 2:
		pattern, args = args[1], words("KEYS", "*")
	case name == "scan":
		rest := args[:min(2, len(args))]
		for i := 2; i < len(args); i++ {
			if isWord(args[i], "match") && i+1 < len(args) {
				i++
				pattern = args[i]
				continue
			}
			rest = append(rest, args[i])
		}
		args = rest
	}
	v, err := s.ask(a, args...)
	if err != nil {
		return err
	}
	list := &v.list
	if name == "scan" && len(v.list) == 2 {
		list = &v.list[1].list
	}
	if v.failed() || name == "scan" && len(v.list) != 2 {
		return s.expect(expected{what: local, bytes: v.append(nil)})
	}
	if *list, err = s.seen(a, *list, pattern); err != nil {
		return err
	}
	return s.expect(expected{what: local, bytes: v.append(nil)})
}

// seen is what a shadow sees of a list of keys.
func (s *session) seen(a *aside, list []value, pattern []byte) ([]value, error) {
	out := []value{}
	var ask [][]byte
	var users []value
	for _, e := range list {
		if plain, theirs := bytes.CutPrefix(e.text, []byte(s.prefix)); theirs {
			if string(plain) != ownedKeys && match(pattern, plain) {
				e.text = plain
				out = append(out, e)
			}
			continue
		}
		if match(pattern, e.text) {
			ask, users = append(ask, e.text), append(users, e)
		}
	}
	if len(ask) > s.limits.keys {
		return nil, errTooLarge
	}
	own, err := s.owned(a, ask)
	if err != nil {
		return nil, err
	}
	for i, e := range users {
		if !own[i] {
			out = append(out, e)
		}
	}
	return out, nil
}
