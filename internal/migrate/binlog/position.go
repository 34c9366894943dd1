package binlog

import (
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/go-mysql-org/go-mysql/mysql"
	"github.com/google/uuid"

	"jindu.dev/jindu/internal/kit/kind"
	"jindu.dev/jindu/internal/migrate/data"
)

// begin is the text of the position before everything that the server ever logged.
const begin = "begin"

// position is a place in the log, in one of three forms. The zero position is none.
type position struct {
	maria map[uint32]mariaGTID // MariaDB: of each domain the last transaction
	mysql *mysql.MysqlGTIDSet  // MySQL: every transaction
	file  string               // MySQL without GTIDs
	at    uint32
}

type mariaGTID struct {
	server uint32
	seq    uint64
}

const maxPosition = 64 << 10

var (
	mariaForm = regexp.MustCompile(`^[0-9]{1,10}-[0-9]{1,10}-[0-9]{1,20}(,[0-9]{1,10}-[0-9]{1,10}-[0-9]{1,20})*$`)
	mysqlForm = regexp.MustCompile(`^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}:`)
	fileForm  = regexp.MustCompile(`^([^:,\s]{1,255}\.([0-9]{1,9})):([0-9]{1,10})$`)
)

// parsePosition reads the text of a position; "" and what is none is refused.
func parsePosition(p data.Position, flavor string) (position, error) {
	text := strings.TrimSpace(string(p))
	wrong := func() error {
		shown := text
		if len(shown) > 64 {
			shown = shown[:64] + "..."
		}
		return kind.New(kind.Invalid, "JD-BINLOG-001", "position %q is none of %s: write its GTIDs (MariaDB 0-1-100, MySQL UUID:1-100), file.000001:4, or nothing for from now on", shown, flavor)
	}
	if len(text) > maxPosition {
		return position{}, wrong()
	}
	maria := flavor == flavorMaria
	switch {
	case text == begin && maria:
		return position{maria: map[uint32]mariaGTID{}}, nil
	case text == begin:
		return position{mysql: &mysql.MysqlGTIDSet{Sets: map[string]*mysql.UUIDSet{}}}, nil
	case maria && mariaForm.MatchString(text):
		out := position{maria: map[uint32]mariaGTID{}}
		for one := range strings.SplitSeq(text, ",") {
			f := strings.Split(one, "-")
			domain, err1 := strconv.ParseUint(f[0], 10, 32)
			server, err2 := strconv.ParseUint(f[1], 10, 32)
			seq, err3 := strconv.ParseUint(f[2], 10, 64)
			if _, twice := out.maria[uint32(domain)]; twice || err1 != nil || err2 != nil || err3 != nil || seq >= 1<<63 {
				return position{}, wrong()
			}
			out.maria[uint32(domain)] = mariaGTID{uint32(server), seq}
		}
		return out, nil
	case !maria && mysqlForm.MatchString(text):
		set, err := mysql.ParseMysqlGTIDSet(strings.Join(strings.Fields(text), ""))
		if s, ok := set.(*mysql.MysqlGTIDSet); ok && err == nil {
			return position{mysql: s}, nil
		}
	case !maria:
		if m := fileForm.FindStringSubmatch(text); m != nil {
			if at, err := strconv.ParseUint(m[3], 10, 32); err == nil {
				return position{file: m[1], at: uint32(at)}, nil
			}
		}
	}
	return position{}, wrong()
}

func (p position) none() bool { return p.maria == nil && p.mysql == nil && p.file == "" }

// text is what parsePosition reads.
func (p position) text() data.Position {
	switch {
	case p.maria != nil:
		if len(p.maria) == 0 {
			return begin
		}
		b := make([]byte, 0, 32)
		for i, d := range slices.Sorted(maps.Keys(p.maria)) {
			if i > 0 {
				b = append(b, ',')
			}
			g := p.maria[d]
			b = append(strconv.AppendUint(b, uint64(d), 10), '-')
			b = append(strconv.AppendUint(b, uint64(g.server), 10), '-')
			b = strconv.AppendUint(b, g.seq, 10)
		}
		return data.Position(b)
	case p.mysql != nil:
		if p.mysql.IsEmpty() {
			return begin
		}
		return data.Position(p.mysql.String())
	case p.file != "":
		return data.Position(p.file + ":" + strconv.FormatUint(uint64(p.at), 10))
	}
	return ""
}

// gtids is the text that the server takes.
func (p position) gtids() string {
	if t := p.text(); t != begin {
		return string(t)
	}
	return ""
}

// reached says whether everything up to want is before p.
func (p position) reached(want position) bool {
	switch {
	case want.maria != nil && p.maria != nil:
		for d, w := range want.maria {
			if h, ok := p.maria[d]; !ok || h.seq < w.seq {
				return false
			}
		}
		return true
	case want.mysql != nil && p.mysql != nil:
		return p.mysql.Contain(want.mysql)
	case want.file != "" && p.file != "":
		a, b := fileNumber(p.file), fileNumber(want.file)
		return a > b || a == b && p.at >= want.at
	}
	return false
}

func fileNumber(name string) int {
	n, _ := strconv.Atoi(name[strings.LastIndexByte(name, '.')+1:]) // the form was checked, or 0
	return n
}

// sequence is the number of transactions before p. In a file it is the place itself.
func (p position) sequence() int64 {
	var n int64
	switch {
	case p.maria != nil:
		for _, g := range p.maria {
			n += int64(g.seq)
		}
	case p.mysql != nil:
		for _, s := range p.mysql.Sets {
			for _, i := range s.Intervals {
				n += i.Stop - i.Start
			}
		}
	default:
		return int64(fileNumber(p.file))<<32 | int64(p.at)
	}
	return n << partBits
}

// partBits is the room in a Sequence for parts of one transaction.
const partBits = 16

// behind is the Sequence of an empty transaction: behind every part of the last one, before the next.
func (p position) behind() int64 {
	if p.file != "" {
		return p.sequence()
	}
	return p.sequence() | (1<<partBits - 1)
}

// clone is a position that add does not change.
func (p position) clone() position {
	p.maria = maps.Clone(p.maria)
	if p.mysql != nil {
		if s, ok := p.mysql.Clone().(*mysql.MysqlGTIDSet); ok {
			p.mysql = s
		}
	}
	return p
}

// add takes a transaction in.
func (p *position) add(g gtidEvent, server uint32) {
	switch {
	case p.maria != nil:
		p.maria[g.domain] = mariaGTID{server, g.seq}
	case p.mysql != nil && !g.none:
		p.mysql.AddGTID(uuid.UUID(g.sid), int64(g.seq))
	}
}

// holds says whether a transaction is in p.
func (p position) holds(g gtidEvent) bool {
	switch {
	case p.maria != nil:
		h, ok := p.maria[g.domain]
		return ok && h.seq >= g.seq
	case p.mysql != nil && !g.none:
		s := p.mysql.Sets[uuid.UUID(g.sid).String()]
		return s != nil && s.Intervals.Contain(mysql.IntervalSlice{{Start: int64(g.seq), Stop: int64(g.seq) + 1}})
	}
	return false
}
