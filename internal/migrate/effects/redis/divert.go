package redis

import (
	"bytes"
	"errors"
	"slices"
)

// held is a command of a shadow that waits for EXEC.
type held struct {
	name string
	spec *spec
	args [][]byte
	keys []key
}

// ownedKeys is, behind the prefix, the set of keys that shadows own.
const ownedKeys = "jindu:own"

// claim makes a key the shadows' own, once. KEYS: the set, the shadows' key. ARGV: the key, which a user of
// shadows may only read and so cannot declare; 1 to copy it.
const claim = `if redis.call('SADD',KEYS[1],ARGV[1])==1 then if ARGV[2]=='1' then redis.call('COPY',ARGV[1],KEYS[2],'REPLACE') else redis.call('DEL',KEYS[2]) end end return 0`

// divert carries a shadow's command out beside what users own; false: it concerns the connection only and
// goes the ordinary way.
func (s *session) divert(name string, sp *spec, cl class, c command) (done bool, err error) {
	switch name {
	case "reset":
		s.closeAside()
		return false, nil
	case "multi":
		if s.tx.open || len(c.args) != 1 {
			return true, s.reject("ERR MULTI calls can not be nested")
		}
		s.tx = transaction{open: true, aside: true}
		return true, s.expect(expected{what: local, bytes: okay})
	case "exec", "discard", "watch", "unwatch":
		return true, s.aloud(func() error { return s.transact(name, sp, c) })
	}
	if cl == connection {
		if s.tx.open {
			return true, s.reject("ERR jindu proxy " + s.Name() + ": " + commandName(name) + " within MULTI of a shadow is not carried")
		}
		return false, nil
	}
	keys, ok := sp.keysOf(c.args)
	if why := s.notDiverted(sp, c.args, keys, ok); why != "" {
		return true, s.refuseShadow(name, sp, c, why)
	}
	if s.tx.open {
		return true, s.hold(held{name, sp, keep(c.args), keys}, len(c.raw))
	}
	if name == "scan" || name == "keys" {
		return true, s.aloud(func() error { return s.names(name, keep(c.args)) })
	}
	return true, s.aloud(func() error { return s.run(held{name, sp, keep(c.args), keys}) })
}

// notDiverted says why a command of a shadow cannot be carried out, "" when it can.
func (s *session) notDiverted(sp *spec, args [][]byte, keys []key, ok bool) string {
	if !ok {
		return "the proxy does not know which keys it takes, or it cannot be answered exactly"
	}
	if sp.class == writes && len(keys) == 0 {
		return "it writes and names no key"
	}
	if sp.script && sp.class == writes && s.Rule.Shadow.User == "" {
		return "keys that a script builds cannot be seen; set effects.proxies." + s.Name() + ".shadow.user to a user whose rights end at the prefix"
	}
	for _, k := range keys {
		if string(args[k.at]) == ownedKeys {
			return "the key " + ownedKeys + " is the proxy's"
		}
	}
	return ""
}

// reject answers with an error that a transaction survives, as it does Redis's own about its words.
func (s *session) reject(text string) error {
	return s.expect(expected{what: local, bytes: failing(text)})
}

// aloud does what needs exchanges of the proxy's own, after all that came before it was answered. When the
// shadows' connection fails the client hears of it, and its own connection stays.
func (s *session) aloud(do func() error) error {
	if err := s.drained(); err != nil {
		return err
	}
	err := do()
	if err == nil {
		return nil
	}
	s.closeAside()
	s.Log.Warn("shadow connection failed", "error", err)
	if gone := s.there(); gone != nil {
		return gone
	}
	return s.no("ERR jindu proxy " + s.Name() + ": there is no connection for shadows: " + err.Error() + " (JD-EFFECTS-115)")
}

// key is the key of shadows for a user's.
func (s *session) key(k []byte) []byte {
	return append(append(make([]byte, 0, len(s.prefix)+len(k)), s.prefix...), k...)
}

// owned says of each key whether shadows own it.
func (s *session) owned(a *aside, keys [][]byte) ([]bool, error) {
	out := make([]bool, len(keys))
	if len(keys) == 0 {
		return out, nil
	}
	v, err := s.ask(a, append([][]byte{[]byte("SMISMEMBER"), s.key([]byte(ownedKeys))}, keys...)...)
	if err != nil {
		return nil, err
	}
	if v.failed() || len(v.list) != len(keys) {
		return nil, errors.New("the keys of shadows cannot be looked up: " + string(v.text))
	}
	for i := range out {
		out[i] = string(v.list[i].text) == "1"
	}
	return out, nil
}

// prepared is a command as it goes out, with what has to go before it.
type prepared struct {
	claims []byte
	n      int // commands in claims
	raw    []byte
}

// translate puts the prefix on keys: on those that are written always, on those that are read where own says
// that they are the shadows'.
func (s *session) translate(h held, own map[string]bool) prepared {
	var p prepared
	args := slices.Clone(h.args)
	for _, k := range h.keys {
		name := h.args[k.at]
		if k.use == readsKey && !own[string(name)] {
			continue
		}
		args[k.at] = s.key(name)
		if k.use == readsKey || k.use == channel {
			continue
		}
		copied := "1"
		if k.use == replacesKey {
			copied = "0"
		}
		p.claims = appendCommand(p.claims, []byte("EVAL"), []byte(claim), []byte("2"), s.key([]byte(ownedKeys)), args[k.at], name, []byte(copied))
		p.n++
	}
	p.raw = appendCommand(nil, args...)
	return p
}

// lookUp says which of the keys that commands only read shadows own. Those that they write are owned by then.
func (s *session) lookUp(a *aside, list ...held) (map[string]bool, error) {
	own := map[string]bool{}
	var ask [][]byte
	for _, h := range list {
		for _, k := range h.keys {
			name := string(h.args[k.at])
			if _, seen := own[name]; k.use == readsKey && !seen {
				own[name] = false
				ask = append(ask, h.args[k.at])
			}
		}
	}
	are, err := s.owned(a, ask)
	if err != nil {
		return nil, err
	}
	for i, k := range ask {
		own[string(k)] = are[i]
	}
	return own, nil
}

// run carries out one command of a shadow.
func (s *session) run(h held) error {
	a, err := s.openAside()
	if err != nil {
		return err
	}
	own, err := s.lookUp(a, h)
	if err != nil {
		return err
	}
	for _, k := range h.keys { // one that is written and read by the same command
		if k.use != readsKey && k.use != channel {
			own[string(h.args[k.at])] = true
		}
	}
	p := s.translate(h, own)
	replies, err := s.exchange(a, append(p.claims, p.raw...), p.n+1)
	if err != nil {
		if h.spec.class == writes {
			s.recordShadow(h, "unknown")
		}
		return err
	}
	for _, r := range replies[:p.n] {
		if r[0] == '-' {
			return s.expect(expected{what: local, bytes: slices.Clone(r)})
		}
	}
	reply := slices.Clone(replies[p.n])
	if h.spec.class == writes && reply[0] != '-' {
		s.Events().Diverted.Add(1)
		s.recordShadow(h, "shadowed")
	}
	if reply, err = s.unprefixed(h.spec, reply); err != nil {
		return err
	}
	return s.expect(expected{what: local, bytes: reply})
}

func (s *session) recordShadow(h held, fate string) {
	e := s.effectOf(h.name, h.spec, h.args)
	e.Fate = fate
	s.Record(s.mark, e)
}

// unprefixed gives keys in a reply their own names.
func (s *session) unprefixed(sp *spec, reply []byte) ([]byte, error) {
	if sp.answers == noNames || !bytes.Contains(reply, []byte(s.prefix)) {
		return reply, nil
	}
	v, _, err := parseValue(reply, 0)
	if err != nil {
		return nil, err
	}
	s.plainNames(sp, &v)
	return v.append(nil), nil
}

func (s *session) plainNames(sp *spec, v *value) {
	strip := func(e *value) { e.text = bytes.TrimPrefix(e.text, []byte(s.prefix)) }
	switch {
	case len(v.list) == 0:
	case sp.answers == firstOfAnswer:
		strip(&v.list[0])
	case sp.answers == ofStreams && v.kind == '%':
		for i := 0; i < len(v.list); i += 2 {
			strip(&v.list[i])
		}
	case sp.answers == ofStreams:
		for i := range v.list {
			if len(v.list[i].list) > 0 {
				strip(&v.list[i].list[0])
			}
		}
	}
}
