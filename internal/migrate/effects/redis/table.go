package redis

import (
	"strconv"
	"strings"
)

// class is what a command does.
type class uint8

const (
	writes class = iota // also what is not known
	reads
	connection // concerns the connection, or nothing at all
	leaves     // the protocol, in a way that the proxy does not carry
)

// use is what a command does to a key.
type use uint8

const (
	readsKey    use = iota
	changesKey      // it goes on from what is there
	replacesKey     // whatever was there
	channel         // it is no key, but takes the prefix
)

// spec is what is known of a command.
type spec struct {
	class    class
	blocking bool
	script   bool
	known    bool // its keys can be told, or it has none
	keys     []keyRange
	answers  answers
	special  func(args [][]byte) ([]key, bool) // instead of keys
}

// answers says where the names of keys stand in an answer.
type answers uint8

const (
	noNames       answers = iota
	firstOfAnswer         // the first element, when it is an array
	ofStreams             // an element each, or the keys of a map
)

// keyRange says which arguments are keys.
type keyRange struct {
	from, to, step int // to below 0 counts from the end
	count          int // >0: the argument that says how many keys follow it
	streams        bool
	use            use
}

// key is one key of a command.
type key struct {
	at  int // which argument
	use use
}

// The table, one line a group: class, keys, commands. Keys are as in keyRange: 1 or 1:-1 or 1:-1:2, #n for a
// count, S for streams, - for none; with r, w (goes on) or o (replaces) in front.
const table = `
read r1 get strlen getrange substr ttl pttl expiretime pexpiretime type dump hget hmget hgetall hkeys hvals hlen hexists hscan hstrlen hrandfield httl hpttl hexpiretime hpexpiretime
read r1 llen lrange lindex lpos smembers sismember smismember scard srandmember sscan zrange zrangebyscore zrevrange zrevrangebyscore zrangebylex zrevrangebylex
read r1 zscore zmscore zcard zcount zrank zrevrank zscan zlexcount zrandmember getbit bitcount bitpos bitfield_ro geopos geodist geohash geosearch georadius_ro georadiusbymember_ro
read r1 xrange xrevrange xlen xpending
read r1:-1 exists touch mget sunion sinter sdiff
read r1:2 lcs
read r#1 zunion zinter zdiff zintercard sintercard
read rS xread
read r2 object+encoding object+freq object+idletime object+refcount memory+usage xinfo+stream xinfo+groups xinfo+consumers
read r#2 eval_ro evalsha_ro fcall_ro
read - echo time info lastsave lolwut role keys scan
read ? dbsize randomkey
read - object+help memory+doctor memory+stats memory+malloc-stats memory+help xinfo+help pubsub+channels pubsub+numpat pubsub+numsub pubsub+shardchannels pubsub+shardnumsub pubsub+help
read - slowlog+get slowlog+len slowlog+help latency+latest latency+history latency+doctor latency+graph latency+histogram latency+help config+get config+help
read - acl+whoami acl+list acl+getuser acl+cat acl+genpass acl+users acl+dryrun acl+help cluster+info cluster+nodes cluster+slots cluster+shards cluster+myid cluster+keyslot cluster+help
read - function+list function+stats function+dump function+help script+exists script+help command command+count command+docs command+info command+list command+getkeys command+getkeysandflags command+help
conn - ping auth hello select reset quit readonly readwrite asking wait script+load
conn r1:-1 watch
conn - unwatch multi exec discard subscribe unsubscribe psubscribe punsubscribe ssubscribe sunsubscribe
conn - client+setname client+getname client+id client+info client+list client+setinfo client+no-evict client+no-touch client+tracking client+trackinginfo client+caching client+getredir client+help
left - monitor sync psync replconf client+reply
writ w1 append decr decrby incr incrby incrbyfloat getdel getex getset setbit setnx setrange set expire expireat pexpire pexpireat persist
writ w1 hdel hincrby hincrbyfloat hmset hset hsetnx hexpire hpexpire hexpireat hpexpireat hpersist hgetex hgetdel hsetex
writ w1 linsert lpop rpop lpush lpushx rpush rpushx lrem lset ltrim sadd srem spop geoadd pfadd restore
writ w1 xack xadd xautoclaim xclaim xdel xsetid xtrim zadd zincrby zpopmax zpopmin zrem zremrangebylex zremrangebyrank zremrangebyscore bitfield
writ w2 xgroup+create xgroup+createconsumer xgroup+delconsumer xgroup+destroy xgroup+setid
writ o1 setex psetex
writ o1:-1:2 mset
writ w1:-1:2 msetnx
writ w1:-1 del unlink
writ w1,r2:-1 pfmerge
writ w1:-1 pfcount
writ w1:-2 blpop brpop bzpopmin bzpopmax
writ w1:2 blmove brpoplpush lmove rpoplpush smove rename renamenx
writ r1,w2 copy
writ w#1 lmpop zmpop
writ w#2 blmpop bzmpop
writ o1,r2:-1 sdiffstore sinterstore sunionstore
writ o2,r3:-1 bitop
writ o1,r#2 zdiffstore zinterstore zunionstore
writ o1,r2 zrangestore geosearchstore
writ wS xreadgroup
writ c1 publish spublish
writ w#2 eval evalsha fcall
writ r1 sort georadius georadiusbymember
read r1 sort_ro`

var specs = readTable()

func readTable() map[string]*spec {
	m := map[string]*spec{}
	for line := range strings.SplitSeq(strings.TrimSpace(table), "\n") {
		f := strings.Fields(line)
		for _, name := range f[2:] {
			s := &spec{class: map[string]class{"read": reads, "conn": connection, "left": leaves, "writ": writes}[f[0]], known: f[1] != "?"}
			if s.known && f[1] != "-" {
				for part := range strings.SplitSeq(f[1], ",") {
					s.keys = append(s.keys, readRange(part))
				}
			}
			m[name] = s
			if container, _, ok := strings.Cut(name, "+"); ok && m[container] == nil {
				m[container] = &spec{} // with another second word it may be anything
			}
		}
	}
	for name, f := range map[string]func([][]byte) ([]key, bool){"sort": sortKeys, "sort_ro": sortKeys, "georadius": storeKeys, "georadiusbymember": storeKeys, "copy": copyKeys, "set": setKeys} {
		m[name].special = f
	}
	for name, a := range map[string]answers{"blpop": firstOfAnswer, "brpop": firstOfAnswer, "bzpopmin": firstOfAnswer, "bzpopmax": firstOfAnswer,
		"lmpop": firstOfAnswer, "zmpop": firstOfAnswer, "blmpop": firstOfAnswer, "bzmpop": firstOfAnswer, "xread": ofStreams, "xreadgroup": ofStreams} {
		m[name].answers = a
	}
	for name := range strings.FieldsSeq("blpop brpop bzpopmin bzpopmax blmpop bzmpop blmove brpoplpush xread xreadgroup") {
		m[name].blocking = true
	}
	for name := range strings.FieldsSeq("eval evalsha fcall eval_ro evalsha_ro fcall_ro") {
		m[name].script = true
	}
	return m
}

func readRange(s string) keyRange {
	r := keyRange{use: map[byte]use{'r': readsKey, 'w': changesKey, 'o': replacesKey, 'c': channel}[s[0]], step: 1}
	s = s[1:]
	if s == "S" {
		r.streams = true
		return r
	}
	if rest, ok := strings.CutPrefix(s, "#"); ok {
		r.count, _ = strconv.Atoi(rest) // the table is a constant
		return r
	}
	for i, part := range strings.Split(s, ":") {
		n, _ := strconv.Atoi(part) // as above
		switch i {
		case 0:
			r.from, r.to = n, n
		case 1:
			r.to = n
		case 2:
			r.step = n
		}
	}
	return r
}

// unknown stands for commands that the table does not have.
var unknown = &spec{}

// lookup finds what is known of a command; name is its name in small letters, with that of the subcommand.
// A container whose subcommand is not in the table is unknown, one without any may be.
func lookup(args [][]byte) (name string, s *spec) {
	var buf [80]byte
	b := lower(buf[:0], args[0])
	s = specs[string(b)]
	if s == nil {
		return string(b), unknown
	}
	if len(args) > 1 {
		if sub := specs[string(lower(append(b, '+'), args[1]))]; sub != nil {
			return string(lower(append(b, '+'), args[1])), sub
		}
		if string(b) == "command" {
			return string(b), unknown
		}
	}
	return string(b), s
}

func lower(b, word []byte) []byte {
	if len(word) > 40 {
		word = word[:40] // longer than any name
	}
	for _, c := range word {
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		b = append(b, c)
	}
	return b
}

func isWord(b []byte, word string) bool { return strings.EqualFold(string(b), word) }

// classOf is what a command does with those arguments.
func (s *spec) classOf(name string, args [][]byte) class {
	if s.class != writes {
		return s.class
	}
	switch name {
	case "pfcount": // of one key it notes the count there
		if len(args) > 2 {
			return reads
		}
	case "sort", "georadius", "georadiusbymember":
		for _, a := range args[1:] {
			if isWord(a, "store") || isWord(a, "storedist") {
				return writes
			}
		}
		return reads
	}
	return writes
}

// keysOf lists the keys of a command; false when they cannot be told.
func (s *spec) keysOf(args [][]byte) ([]key, bool) {
	if !s.known {
		return nil, false
	}
	if s.special != nil {
		return s.special(args)
	}
	var out []key
	for _, r := range s.keys {
		from, to, ok := r.bounds(args)
		if !ok {
			return nil, false
		}
		for i := from; i <= to; i += r.step {
			out = append(out, key{i, r.use})
		}
	}
	return out, true
}

func (r keyRange) bounds(args [][]byte) (from, to int, ok bool) {
	switch {
	case r.streams:
		return streams(args)
	case r.count > 0:
		if r.count >= len(args) {
			return 0, 0, false
		}
		n, err := strconv.Atoi(string(args[r.count]))
		return r.count + 1, r.count + n, err == nil && n >= 0 && n < len(args)-r.count
	}
	to = r.to
	if to < 0 {
		to += len(args)
	}
	if r.step == 2 {
		return r.from, to, to >= r.from && (to-r.from)%2 == 1
	}
	return r.from, to, to >= r.from && to < len(args)
}

// streams finds the keys of XREAD and XREADGROUP behind their options.
func streams(args [][]byte) (from, to int, ok bool) {
	for i := 1; i < len(args); i++ {
		switch {
		case isWord(args[i], "count"), isWord(args[i], "block"):
			i++
		case isWord(args[i], "group"):
			i += 2
		case isWord(args[i], "noack"):
		case isWord(args[i], "streams"):
			n := len(args) - i - 1
			return i + 1, i + n/2, n > 0 && n%2 == 0
		default:
			return 0, 0, false
		}
	}
	return 0, 0, false
}

// sortKeys are those of SORT; with BY or GET it reads keys that are made of elements.
func sortKeys(args [][]byte) ([]key, bool) {
	if len(args) < 2 {
		return nil, false
	}
	keys := []key{{1, readsKey}}
	for i := 2; i < len(args); i++ {
		switch {
		case isWord(args[i], "asc"), isWord(args[i], "desc"), isWord(args[i], "alpha"):
		case isWord(args[i], "limit"):
			i += 2
		case isWord(args[i], "get") && i+1 < len(args) && string(args[i+1]) == "#":
			i++
		case isWord(args[i], "store") && i+1 < len(args):
			i++
			keys = append(keys, key{i, replacesKey})
		default:
			return nil, false
		}
	}
	return keys, true
}

// storeKeys are those of GEORADIUS.
func storeKeys(args [][]byte) ([]key, bool) {
	if len(args) < 5 {
		return nil, false
	}
	keys := []key{{1, readsKey}}
	for i := 2; i < len(args); i++ {
		if isWord(args[i], "store") || isWord(args[i], "storedist") {
			if i+1 >= len(args) {
				return nil, false
			}
			i++
			keys = append(keys, key{i, replacesKey})
		}
	}
	return keys, true
}

// copyKeys are those of COPY within the database.
func copyKeys(args [][]byte) ([]key, bool) {
	if len(args) < 3 {
		return nil, false
	}
	for _, a := range args[3:] {
		if !isWord(a, "replace") {
			return nil, false
		}
	}
	return []key{{1, readsKey}, {2, changesKey}}, true
}

// setKeys tells a plain SET from one that looks at what is there.
func setKeys(args [][]byte) ([]key, bool) {
	switch {
	case len(args) < 3:
		return nil, false
	case len(args) == 3:
		return []key{{1, replacesKey}}, true
	}
	return []key{{1, changesKey}}, true
}
