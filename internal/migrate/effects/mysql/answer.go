package mysql

import (
	"encoding/binary"
	"fmt"
)

// Capabilities that the proxy knows.
const (
	capLongPassword     = 1 << 0
	capFoundRows        = 1 << 1
	capConnectWithDB    = 1 << 3
	capCompress         = 1 << 5
	capLocalFiles       = 1 << 7
	capProtocol41       = 1 << 9
	capSSL              = 1 << 11
	capSecureConnection = 1 << 15
	capMultiStatements  = 1 << 16
	capPluginAuth       = 1 << 19
	capConnectAttrs     = 1 << 20
	capPluginAuthLenenc = 1 << 21
	capSessionTrack     = 1 << 23
	capDeprecateEOF     = 1 << 24
	capOptionalMetadata = 1 << 25
	capZstd             = 1 << 26
	capQueryAttributes  = 1 << 27
	capMultiFactor      = 1 << 28

	// withheld are the capabilities that the proxy cannot follow.
	withheld = capCompress | capSSL | capLocalFiles | capMultiStatements | capOptionalMetadata | capZstd | capQueryAttributes | capMultiFactor
)

// Flags of the server's status.
const (
	statusInTrans     = 1 << 0
	statusAutocommit  = 1 << 1
	statusMore        = 1 << 3
	statusCursor      = 1 << 6
	statusNoBackslash = 1 << 9
)

// First bytes of answers.
const (
	isOK    = 0x00
	isLocal = 0xfb
	isEOF   = 0xfe
	isErr   = 0xff
)

// answer is what the server said at the end of a command.
type answer struct {
	failed   bool
	code     uint16 // of an error
	message  string // of an error; only for those of the proxy's own statements
	affected uint64
	insertID uint64
	status   uint16
	warnings uint16
	rows     bool // there was a result
}

// parseOK reads an OK packet; also one that stands for EOF.
func parseOK(body []byte, a *answer) bool {
	c := cursor{b: body}
	c.u8()
	affected, _ := c.lenenc()
	insertID, _ := c.lenenc()
	status, warnings := c.u16(), c.u16()
	if c.bad {
		return false
	}
	a.affected += affected
	if insertID != 0 {
		a.insertID = insertID
	}
	a.status, a.warnings = status, warnings
	return true
}

// statusAt is where the status flags of an OK packet are.
func statusAt(body []byte) int {
	c := cursor{b: body}
	c.u8()
	c.lenenc()
	c.lenenc()
	return len(body) - len(c.b)
}

func parseErr(body []byte, a *answer) {
	c := cursor{b: body}
	c.u8()
	a.failed, a.code = true, c.u16()
	if rest := c.b; len(rest) > 6 && rest[0] == '#' {
		a.message = string(rest[6:])
	} else {
		a.message = string(rest)
	}
}

// Error numbers that the proxy looks at or gives.
const (
	errDenied          = 1227 // ER_SPECIFIC_ACCESS_DENIED_ERROR
	errUnknownCommand  = 1047
	errNoSavepoint     = 1305
	errDeadlock        = 1213
	errLockWait        = 1205
	errConCount        = 1040
	errUnknownStmt     = 1243
	errHandshake       = 1043
	errNetPacketTooBig = 1153
)

// refusal is an error that the proxy answers itself.
type refusal struct {
	code  uint16
	state string
	text  string
}

// appendErr makes an ERR packet.
func appendErr(b []byte, seq byte, r refusal) []byte {
	text := r.text
	if len(text) > 480 {
		text = text[:480]
	}
	payload := append(make([]byte, 0, 9+len(text)), isErr, byte(r.code), byte(r.code>>8), '#')
	payload = append(payload, r.state...)
	return frame(b, seq, append(payload, text...))
}

// appendOK makes an OK packet.
func appendOK(b []byte, seq byte, status uint16) []byte {
	payload := binary.LittleEndian.AppendUint16([]byte{isOK, 0, 0}, status)
	return frame(b, seq, append(payload, 0, 0))
}

// serverError is an error of the server to a statement of the proxy's own.
type serverError struct {
	code uint16
	text string
}

func (e *serverError) Error() string {
	return fmt.Sprintf("the database answered %d: %s", e.code, e.text)
}
