package redisx

import "strings"

// kind of a command; 0: it may write.
type kind uint8

const (
	reads      kind = iota + 1
	connection      // concerns the connection: it stays where it is
	blocking        // writes, and may wait longer than a pipeline's time limit
)

// kinds of the commands that are known, by name in small letters.
var kinds = func() map[string]kind {
	m := map[string]kind{}
	for k, names := range map[kind]string{
		reads: `get mget strlen getrange substr exists ttl pttl expiretime pexpiretime type scan keys randomkey dbsize object dump touch
			hget hmget hgetall hkeys hvals hlen hexists hscan hstrlen hrandfield httl hpttl lrange llen lindex lpos
			smembers sismember smismember scard srandmember sscan sinter sunion sdiff sintercard
			zrange zrangebyscore zrevrange zrevrangebyscore zrangebylex zrevrangebylex zscore zmscore zcard zcount zrank zrevrank zscan
			zlexcount zrandmember zinter zunion zdiff zintercard getbit bitcount bitpos bitfield_ro geopos geodist geohash geosearch
			georadius_ro georadiusbymember_ro pfcount xrange xrevrange xlen xread xpending xinfo sort_ro lcs eval_ro evalsha_ro fcall_ro
			echo time info lastsave memory`,
		connection: `ping auth hello select client reset quit watch unwatch multi exec discard command wait readonly readwrite
			subscribe unsubscribe psubscribe punsubscribe ssubscribe sunsubscribe asking`,
		blocking: `blpop brpop brpoplpush blmove blmpop bzpopmin bzpopmax bzmpop xreadgroup`,
	} {
		for n := range strings.FieldsSeq(names) {
			m[n] = k
		}
	}
	return m
}()
