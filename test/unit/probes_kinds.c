/* The kinds that are one question or a dialogue: what each asks, and what it thinks of
 * real answers, however they are cut. */
#include <config.h>

#include "rules/parse.h"
#include "test/unit/book.h"
#include "test/unit/probes.h"
#include "test/unit/probes_talk.h"

#include <string.h>

static const struct row {
	const char *section; /* lines of the [check] */
	const char *bytes;   /* all that the peer says */
	size_t size;
	const char *asked; /* all that it is asked; NULL: not looked at */
	size_t asked_size;
	enum judgement judgement; /* JUDGE_MORE: the peer ended too early */
	const char *why;
} rows[] = {
#define ANSWER(section, bytes, asked, judgement, why)                                    \
	{                                                                                \
		section, BYTES(bytes), BYTES(asked), judgement, why                      \
	}
/* what is asked is not looked at */
#define SAID(section, bytes, judgement, why)                                             \
	{                                                                                \
		section, BYTES(bytes), NULL, 0, judgement, why                           \
	}
#define GRPC                                                                             \
	"HTTP/1.1 200 \r\ncontent-type: application/grpc\r\n"                              \
	"transfer-encoding: chunked\r\n\r\n"
#define GRPC_ASKED(timeout)                                                              \
	"POST /grpc.health.v1.Health/Check HTTP/1.1\r\nHost: h:50051\r\nTE: trailers\r\n"  \
	"Content-Type: application/grpc\r\nUser-Agent: monitord/" PACKAGE_VERSION             \
	"\r\nGRPC-Timeout: " timeout "m\r\n\r\n"
#define L64 "\77xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define CPING "\x12\x34\0\1\12"
#define TALK "tcp = h:1\n"
	/* ---- send and expect ---- */
	ANSWER(TALK "expect = body ~ ^220", "220 hi\r\n", "", JUDGE_GOOD, ""),
	ANSWER(TALK "expect = body ~ ^220", "421 no\r\n", "", JUDGE_BAD,
	       "closed after '421 no"),
	ANSWER(TALK "send = PING\\r\\n\nexpect = body ~ PONG", "+PONG\r\n", "PING\r\n",
	       JUDGE_GOOD, ""),
	ANSWER(TALK "send = PING\\r\\n", "?", "PING\r\n", JUDGE_GOOD, ""),
	ANSWER(TALK "send = PING\\r\\n", "", "PING\r\n", JUDGE_GOOD, ""),
	ANSWER(TALK "send = a\\x00\\xfF\nexpect = body ~ b", "ab", "a\0\xff", JUDGE_GOOD,
	       ""),
	ANSWER(TALK "send = \" a b \"\nexpect = body ~ b", "ab", " a b ", JUDGE_GOOD, ""),
	ANSWER(TALK "send = a\nsend = b\nexpect = body ~ x\nsend = c\nexpect = body ~ y",
	       "xy", "abc", JUDGE_GOOD, ""),
	ANSWER(TALK "send = a\nexpect = body ~ x\nsend = b\nexpect = body ~ x", "xzx",
	       "ab", JUDGE_GOOD, ""),
	/* what fitted once does not fit again */
	ANSWER(TALK "send = a\nexpect = body ~ x\nsend = b\nexpect = body ~ x", "xz",
	       "ab", JUDGE_BAD, "closed after 'z', expected body ~ x"),
	/* a line's begin and end are ^ and $ too */
	ANSWER(TALK "expect = body ~ ^220\nsend = a\nexpect = body ~ ok$\nsend = b\n"
		    "expect = body ~ ^y",
	       "220 hi\r\n250 ok\r\nz\ny", "ab", JUDGE_GOOD, ""),
	/* both of one turn */
	ANSWER(TALK "send = a\nexpect = body ~ x\nexpect = body ~ y", "yzx", "a",
	       JUDGE_GOOD, ""),
	ANSWER(TALK "send = a\nexpect = body ~ x\nexpect = body ~ y", "yz", "a",
	       JUDGE_BAD, "closed after 'yz'"),
	/* it speaks first, and is told goodbye */
	ANSWER(TALK "expect = body ~ ^220.*\\r\nsend = QUIT\\r\\n",
	       "220 hi\r\n221 ok\r\n", "QUIT\r\n", JUDGE_GOOD, ""),
	ANSWER(TALK "expect = body ~ ^220.*\\r\nsend = QUIT\\r\\n", "220 hi\r\n",
	       "QUIT\r\n", JUDGE_GOOD, ""),
	ANSWER("unix = /s\nsend = a\nexpect = body ~ x", "x", "a", JUDGE_GOOD, ""),
	/* ---- ajp ---- */
	ANSWER("ajp = h:1\n", "AB\0\1\11", "\x12\x34\0\1\12", JUDGE_GOOD, ""),
	/* what follows is not read */
	ANSWER("ajp = h:1\n", "AB\0\1\11AB\0\1\11", CPING, JUDGE_GOOD, ""),
	ANSWER("ajp = h:1\n", "AB\0\1", CPING, JUDGE_BAD, "closed after 4 of 5 bytes"),
	ANSWER("ajp = h:1\n", "A", CPING, JUDGE_BAD,
	       "closed after 1 of 5 bytes of CPONG"),
	ANSWER("ajp = h:1\n", "", CPING, JUDGE_BAD, "closed after 0 of 5 bytes of CPONG"),
	ANSWER("ajp = h:1\n", "AB\0\1\5", CPING, JUDGE_BAD, "not AJP: expected CPONG"),
	ANSWER("ajp = h:1\n", "AB\0\2\11", CPING, JUDGE_BAD, "not AJP: expected CPONG"),
	ANSWER("ajp = h:1\n", "\x12\x34\0\1\11", CPING, JUDGE_BAD, "not AJP"),
	ANSWER("ajp = h:1\n", "HTTP/1.1 400 \r\n\r\n", CPING, JUDGE_BAD,
	       "not AJP: expected CPONG, got 'H"),
	ANSWER("ajp = h:1\n", "\0", CPING, JUDGE_BAD, "not AJP: expected CPONG, got ' '"),
	SAID("ajp = h:1/x\n", "AB\0\6\4\0\xc8\0\0\0AB\0\2\5\1", JUDGE_GOOD, ""),
	SAID("ajp = h:1/x\n", "AB\0\6\4\1\x93\0\0\0AB\0\2\5\1", JUDGE_BAD,
	     "status 403, expected 2xx: does it want a secret?"),
	SAID("ajp = h:1/x\nexpect = status 403\n", "AB\0\6\4\1\x93\0\0\0AB\0\2\5\1",
	     JUDGE_GOOD, ""),
	SAID("ajp = h:1/x\n", "AB\0\6\4\0\xc8\0\0\0AB\0\4\3\0\1x", JUDGE_MORE, ""),
	SAID("ajp = h:1/x\n", "AB\0\2\5\1", JUDGE_BAD, "not AJP: expected an answer"),
	SAID("ajp = h:1/x\n", "AB\0\0", JUDGE_BAD, "not AJP: expected an answer"),
	SAID("ajp = h:1/x\n", "SSH-2.0", JUDGE_BAD, "not AJP: expected a packet"),
	/* ---- jrmp: the handshake, a ping, a call ---- */
	SAID("jrmp = h\n", "N\0\1x\0\0\0\1SQ\xac\xed\0\5w\17\1uniqueuniqueuu", JUDGE_GOOD,
	     ""),
	SAID("jrmp = h\n", "O", JUDGE_BAD, "JRMP refused"),
	SAID("jrmp = h\n", "HTTP/1.1 400", JUDGE_BAD, "not JRMP"),
	SAID("jrmp = h\n", "N\0\1x\0\0\0\1T", JUDGE_BAD,
	     "a ping was answered by byte 0x54"),
	SAID("jrmp = h\n", "N\0\1x\0\0\0\1SX", JUDGE_BAD, "what came is not the return"),
	SAID("jrmp = h\n", "N\0\1x\0\0\0\1SQ\xac\xed\0\5w\17\2uniqueuniqueuusr\0\3a.b",
	     JUDGE_BAD, "the call threw a.b"),
	SAID("jrmp = h/n\n", "N\0\1x\0\0\0\1SQ\xac\xed\0\5w\17\1uniqueuniqueuut\0\1a",
	     JUDGE_BAD, "'n' is no remote object"),
	/* ---- varnish ---- */
	ANSWER("varnish = h\n",
	       "200 4       \nhelo\n200 6       \nPONG 1\n"
	       "200 7       \nrunning\n200 1       \n\n\n",
	       "ping\nstatus\nbackend.list *.*\nquit\n", JUDGE_GOOD, ""),
	SAID("varnish = h\n",
	     "200 4       \nhelo\n200 6       \nPONG 1\n"
	     "200 7       \nstopped\n",
	     JUDGE_BAD, "its child: 200 stopped"),
	SAID("varnish = h\n", "HTTP/1.1", JUDGE_BAD, "not Varnish's CLI: got 'H"),
	SAID("varnish = h\n", "200 -4      \n", JUDGE_BAD,
	     "not Varnish's CLI: got '200 -4"),
	SAID("varnish = h\n", "200 9999999 \n", JUDGE_BAD,
	     "not Varnish's CLI: got '200 999"),
	SAID("varnish = h\n", "300 2       \nno\n", JUDGE_BAD, "it greets: 300 no"),
	/* ---- haproxy ---- */
	SAID("haproxy = /s\n", "Unknown command.\n", JUDGE_BAD, "not HAProxy's socket"),
	SAID("haproxy = /s\n",
	     "Uptime_sec: 5\n\n# pxname,svname,qcur,scur,status,\n"
	     "b,s1,0,0,UP,\nb,BACKEND,0,0,UP,\n",
	     JUDGE_GOOD, ""),
	SAID("haproxy = /s b\n",
	     "Uptime_sec: 5\n\n# pxname,svname,qcur,scur,status,\n"
	     "b,s1,0,0,DOWN,\nb,BACKEND,0,0,DOWN,\n",
	     JUDGE_BAD, "backend b is down: none of its 1 servers is up"),
	SAID("haproxy = /s c\n",
	     "Uptime_sec: 5\n\n# pxname,svname,qcur,scur,status,\n"
	     "b,s1,0,0,UP,\nb,BACKEND,0,0,UP,\n",
	     JUDGE_BAD, "HAProxy has no backend c"),
	/* the first title counts: each costs 160 looks at its line */
	SAID("haproxy = /s b\n",
	     "Uptime_sec: 5\n\n# pxname,svname,qcur,scur,status,\n"
	     "# pxname,status,svname,\nb,s1,0,0,UP,\nb,BACKEND,0,0,UP,\n",
	     JUDGE_GOOD, ""),
	/* ---- redis, memcached ---- */
	ANSWER("redis = h\n", "+PONG\r\n-NOPERM no\r\n+OK\r\n",
	       "*1\r\n$4\r\nPING\r\n*1\r\n$4\r\nINFO\r\n*1\r\n$4\r\nQUIT\r\n", JUDGE_GOOD,
	       ""),
	SAID("redis = h\n", "-LOADING Redis is loading the dataset\r\n", JUDGE_BAD,
	     "a ping: LOADING Redis is loading"),
	SAID("redis = h\n", "+PONG\r\n$4\r\na", JUDGE_MORE, ""),
	SAID("redis = h\n", "+PONG\r\n$x\r\n", JUDGE_BAD, "not Redis"),
	SAID("redis = h\n", "HTTP/1.1 400\r\n", JUDGE_BAD, "not Redis: got: H"),
	SAID("memcached = h\n", "VERSION 1\r\nSTAT uptime 5\r\nEND\r\n", JUDGE_GOOD, ""),
	SAID("memcached = h\n", "ERROR\r\n", JUDGE_BAD, "not memcached: got 'E"),
	SAID("memcached = h\n", "VERSION 1\r\n", JUDGE_MORE, ""),
	/* ---- mysql, pgsql ---- */
	SAID("mysql = h\n", "\27\0\0\0\377\20\4#08004Too many", JUDGE_MORE, ""),
	SAID("mysql = h\n", "\21\0\0\0\377\20\4#08004Too many", JUDGE_BAD,
	     "Too many (1040)"),
	SAID("mysql = h\n", "SSH-2.0", JUDGE_BAD, "not MySQL"),
	SAID("mysql = h\n", "\1\0\0\0\11", JUDGE_BAD, "not MySQL, or of a version"),
	ANSWER("pgsql = h\n", "R\0\0\0\10\0\0\0\12",
	       "\0\0\0\103\0\3\0\0user\0monitord\0database\0monitord\0application_name\0"
	       "monitord\0\0",
	       JUDGE_GOOD, ""),
	SAID("pgsql = h\n", "E\0\0\0\24C57P03\0Mstarting\0\0", JUDGE_BAD,
	     "starting (57P03)"),
	SAID("pgsql = h\n", "E\0\0\0\21C28000\0Mno pg\0\0", JUDGE_GOOD, ""),
	SAID("pgsql = h\nencrypt = starttls\n", "N", JUDGE_BAD, "it speaks no TLS"),
	SAID("pgsql = h\nauth-user = a\nauth-password-file = /s\n", "R\0\0\0\10\0\0\0\12",
	     JUDGE_BAD, "it wants a password"),
	SAID("pgsql = h\n", "HTTP/1.1", JUDGE_BAD, "not PostgreSQL"),
	/* ---- lines ---- */
	ANSWER("smtp = h\n", "220 hi\r\n250-a\r\n250 b\r\n221 bye\r\n",
	       "EHLO monitord\r\nQUIT\r\n", JUDGE_GOOD, ""),
	ANSWER("smtp = h\nencrypt = starttls\n",
	       "220 hi\r\n250 b\r\n220 go\r\n\n--elsewhere--\n250 b\r\n221 bye\r\n",
	       "EHLO monitord\r\nSTARTTLS\r\nEHLO monitord\r\nQUIT\r\n", JUDGE_GOOD, ""),
	SAID("smtp = h\n", "554 no\r\n", JUDGE_BAD, "it does not greet: got '554 no'"),
	SAID("smtp = h\n", "220 hi\r\n502 what\r\n", JUDGE_BAD, "it does not go along"),
	SAID("smtp = h\nencrypt = starttls\n", "220 hi\r\n250 b\r\n454 no\r\n", JUDGE_BAD,
	     "it does not go along: got '454 no'"),
	SAID("smtp = h\n", "220-hi\r\n554 no\r\n", JUDGE_BAD, "it does not greet"),
	ANSWER("imap = h\nauth-user = a\\b\nauth-password-file = /s\n",
	       "* OK hi\r\n* CAPABILITY\r\nb OK in\r\n* BYE\r\nc OK\r\n",
	       "b LOGIN \"a\\\\b\" \"\"\r\nc LOGOUT\r\n", JUDGE_GOOD, ""),
	SAID("imap = h\n", "* BYE busy\r\n", JUDGE_BAD,
	     "it does not greet: got '* BYE busy'"),
	SAID("pop3 = h\n", "-ERR no\r\n", JUDGE_BAD, "it does not greet"),
	ANSWER("ftp = h\n", "220-a\r\n220 b\r\n221 c\r\n", "QUIT\r\n", JUDGE_GOOD, ""),
	/* ---- ssh ---- */
	SAID("ssh = h\n", "SSH-1.5-x\r\n", JUDGE_BAD, "it speaks 'SSH-1.5-x"),
	SAID("ssh = h\n", "HTTP/1.1 400\r\n", JUDGE_BAD, "no version of SSH"),
	SAID("ssh = h\n", "SSH-2.0-x\r\nnotkeys", JUDGE_BAD,
	     "it does not begin to exchange"),
	SAID("ssh = h\n", "hello\r\nSSH-2.0-x\r\n", JUDGE_MORE, ""),
	/* ---- ldap ---- */
	ANSWER("ldap = h\n", "0\f\2\1\2a\7\n\1\0\4\0\4\0000\f\2\1\3e\7\n\1\0\4\0\4\0",
	       "0\f\2\1\2`\7\2\1\3\4\0\200\0"
	       "0*\2\1\3c%\4\0\n\1\0\n\1\0\2\1\0\2\1\0\1\1\0\207\13objectClass0\5\4\3"
	       "1.10\5\2\1\4B\0",
	       JUDGE_GOOD, ""),
	SAID("ldap = h\n", "0\16\2\1\2a\t\n\1\61\4\0\4\2no", JUDGE_BAD,
	     "the bind: result 49: no"),
	SAID("ldap = h\n", "HTTP", JUDGE_BAD, "not LDAP: got 'H"),
	SAID("ldap = h\n", "0\16\2\1\2a\t\n\1\310\4\0\4\2no", JUDGE_BAD,
	     "the bind: result 200: no"),
	SAID("ldap = h\n", "0\f\2\1\2a\7\n\1\0\4\0\4\0000\5\2\1\3d\0000\5\2\1\3d\0x", JUDGE_BAD,
	     "not LDAP: got 'x'"),
	/* ---- mqtt ---- */
	SAID("mqtt = h\n", "\40\2\0\5", JUDGE_BAD, "we are not allowed (5)"),
	SAID("mqtt = h\n", "HTTP", JUDGE_BAD, "not MQTT: expected CONNACK"),
	SAID("mqtt = h\n", "\40\2\0\0\320\1", JUDGE_BAD, "not MQTT: expected PINGRESP"),
	SAID("mqtt = h\n", "\40\2\0\0\320\0", JUDGE_GOOD, ""),
	/* ---- websocket ---- */
	SAID("websocket = h\n", "HTTP/1.1 404 Not Found\r\n\r\n", JUDGE_BAD,
	     "expected HTTP/1.1 101, got 'HTTP/1.1 404"),
	SAID("websocket = h\n", "HTTP/1.1 101 x\r\nSec-WebSocket-Accept: wrong\r\n\r\n",
	     JUDGE_BAD, "its Sec-WebSocket-Accept is not what our key gives"),
	SAID("websocket = h\n", "HTTP/1.1 1011 x\r\n\r\n", JUDGE_BAD,
	     "expected HTTP/1.1 101, got 'HTTP/1.1 1011"),
	SAID("websocket = h\n", "HTTP/1.1 101 x\r\n\r\n", JUDGE_BAD,
	     "its Sec-WebSocket-Accept is "),
	/* ---- fastcgi ---- */
	SAID("fastcgi = h/x\n",
	     "\1\6\0\1\0\f\0\0A: b\r\n\r\npong\1\3\0\1\0\10\0\0\0\0\0\0\0\0\0\0",
	     JUDGE_GOOD, ""),
	SAID("fastcgi = h/x\n", "\1\3\0\1\0\10\0\0\0\0\0\0\2\0\0\0", JUDGE_BAD,
	     "it is overloaded"),
	SAID("fastcgi = h/x\n", "\1\3\0\1\0\10\0\0\0\0\0\0\0\0\0\0", JUDGE_BAD,
	     "its answer has no header section"),
	SAID("fastcgi = h\n", "HTTP", JUDGE_BAD, "not FastCGI"),
	SAID("fastcgi = h/x\n",
	     "\1\6\0\1\0\20\0\0Status: 1200\r\n\r\n\1\3\0\1\0\10\0\0\0\0\0\0\0\0\0\0",
	     JUDGE_BAD, "status 0, expected 2xx"),
	/* ---- grpc: as probes/h2.c writes it ---- */
	ANSWER("grpc = h\n", GRPC "7\r\n\0\0\0\0\2\10\1\r\n0\r\ngrpc-status: 0\r\n\r\n",
	       GRPC_ASKED("2000") "\0\0\0\0\0", JUDGE_GOOD, ""),
	ANSWER("grpc = h/a.B\ntimeout = 1s\nheader = x-token: t\n",
	       GRPC "3\r\n\0\0\0\r\n4\r\n\0\2\10\1\r\n0\r\ngrpc-status: 0\r\n\r\n",
	       "POST /grpc.health.v1.Health/Check HTTP/1.1\r\nHost: h:50051\r\nTE: trailers\r\n"
	       "Content-Type: application/grpc\r\nUser-Agent: monitord/" PACKAGE_VERSION
	       "\r\nGRPC-Timeout: 1000m\r\nx-token: t\r\n\r\n\0\0\0\0\5\n\3a.B",
	       JUDGE_GOOD, ""),
	/* fields that we do not know stand around it */
	SAID("grpc = h\n",
	     GRPC "f\r\n\0\0\0\0\12\22\1x\10\1\35abcd\r\n0\r\ngrpc-status: 0\r\n\r\n",
	     JUDGE_GOOD, ""),
	SAID("grpc = h/a\n", GRPC "7\r\n\0\0\0\0\2\10\2\r\n0\r\ngrpc-status: 0\r\n\r\n", JUDGE_BAD,
	     "'a' is NOT_SERVING"),
	SAID("grpc = h\n", GRPC "5\r\n\0\0\0\0\0\r\n0\r\ngrpc-status: 0\r\n\r\n", JUDGE_BAD,
	     "it is UNKNOWN"),
	SAID("grpc = h\n", GRPC "7\r\n\0\0\0\0\2\10\11\r\n0\r\ngrpc-status: 0\r\n\r\n", JUDGE_BAD,
	     "it is in a state without a name"),
	SAID("grpc = h\n", GRPC "7\r\n\1\0\0\0\2\10\1\r\n0\r\ngrpc-status: 0\r\n\r\n", JUDGE_BAD,
	     "its message is compressed"),
	SAID("grpc = h\n", GRPC "7\r\n\0\0\0\0\3\10\1\r\n0\r\ngrpc-status: 0\r\n\r\n", JUDGE_BAD,
	     "its answer has no whole message"),
	SAID("grpc = h\n", GRPC "7\r\n\0\0\0\0\2\22\5\r\n0\r\ngrpc-status: 0\r\n\r\n", JUDGE_BAD,
	     "its message makes no sense"),
	SAID("grpc = h\n", GRPC "0\r\ngrpc-status: 0\r\n\r\n", JUDGE_BAD,
	     "its answer has no whole message"),
	SAID("grpc = h\n", GRPC "7\r\n\0\0\0\0\2\10\1\r\n0\r\n\r\n", JUDGE_BAD,
	     "its answer ends without a grpc-status"),
	SAID("grpc = h\n", GRPC "7\r\n\0\0\0\0\2\10\1\r\n", JUDGE_BAD, "closed within the body"),
	SAID("grpc = h/a\n", GRPC "0\r\ngrpc-status: 5\r\ngrpc-message: unknown service\r\n\r\n",
	     JUDGE_BAD, "it knows no service 'a' (grpc-status 5)"),
	SAID("grpc = h\n", GRPC "0\r\ngrpc-status: 12\r\n\r\n", JUDGE_BAD,
	     "it has no health service"),
	SAID("grpc = h\n", GRPC "0\r\ngrpc-status: 14\r\ngrpc-message: not%20yet%1b%\r\n\r\n", JUDGE_BAD,
	     "grpc-status 14 UNAVAILABLE: not yet %"),
	SAID("grpc = h\n", GRPC "0\r\ngrpc-status: x\r\n\r\n", JUDGE_BAD, "grpc-status x"),
	/* the head alone may tell */
	SAID("grpc = h/a\n",
	     "HTTP/1.1 200 \r\ncontent-type: application/grpc+proto\r\ngrpc-status: 5\r\n"
	     "transfer-encoding: chunked\r\n\r\n0\r\n\r\n",
	     JUDGE_BAD, "it knows no service 'a'"),
	SAID("grpc = h\n", "HTTP/1.1 404 \r\ncontent-type: text/plain\r\n\r\n", JUDGE_BAD,
	     "status 404, expected 200"),
	SAID("grpc = h\n", "HTTP/1.1 200 \r\ncontent-type: text/html\r\n\r\n", JUDGE_BAD,
	     "not gRPC: its content-type is 'text/html'"),
	/* ---- oracle: from its description; there is no server to record ---- */
	SAID("oracle = h\n",
	     "\0\101\0\0\4\0\0\0\42\0\0\065(DESCRIPTION=(TMP=)(VSNNUM=0)"
	     "(ERR=0)(ALIAS=LISTENER))",
	     JUDGE_GOOD, ""),
	SAID("oracle = h\n", "\0\45\0\0\4\0\0\0\42\0\0\031(DESCRIPTION=(ERR=12505))",
	     JUDGE_BAD, "the listener refuses: "),
	SAID("oracle = h\n", "HTTP/1.1 400", JUDGE_BAD, "not a listener of Oracle"),
	/* ---- apache-status, tomcat ---- */
	SAID("apache-status = http://h/\n", "HTTP/1.1 200 \r\n\r\nhello", JUDGE_BAD,
	     "no scoreboard"),
	SAID("apache-status = http://h/\n", "HTTP/1.1 200 \r\n\r\nScoreboard: _WK..\n",
	     JUDGE_GOOD, ""),
	SAID("apache-status = http://h/\n", "HTTP/1.1 200 \r\n\r\nScoreboard: _x\n",
	     JUDGE_BAD, "no scoreboard"),
	SAID("apache-status = http://h/\n", "HTTP/1.1 403 \r\n\r\n", JUDGE_BAD,
	     "status 403, expected 2xx"),
	SAID("tomcat = http://h/\n", "HTTP/1.1 200 \r\n\r\nhello", JUDGE_BAD,
	     "no threads of Tomcat"),
	SAID("tomcat = http://h/\n",
	     "HTTP/1.1 200 \r\n\r\nName: Catalina:type=ThreadPool,name=\"a\"\n"
	     "currentThreadsBusy: 3\nmaxThreads: 10\n",
	     JUDGE_GOOD, ""),
	/* ---- dns, ntp, ping: what is not for us is passed over ---- */
	SAID("dns = h\nquery-name = a\n", "", JUDGE_MORE, ""),
	SAID("dns = h\nquery-name = a\n", "\1\2\201\200\0\1\0\0\0\0\0\0\1a\0\0\1\0\1",
	     JUDGE_MORE, ""),
	SAID("dns = h\nquery-name = a\n", "\7\10\201\200\0\1\0\0\0\0\0\0\1a\0\0\1\0\1",
	     JUDGE_BAD, "a has no record of that type"),
	SAID("dns = h\nquery-name = a\nexpect = answers = 0\n",
	     "\7\10\201\200\0\1\0\0\0\0\0\0\1A\0\0\1\0\1", JUDGE_GOOD, ""),
	SAID("dns = h\nquery-name = a\n", "\7\10\201\203\0\1\0\0\0\0\0\0\1a\0\0\1\0\1",
	     JUDGE_BAD, "a: there is no such name (rcode 3)"),
	SAID("dns = h\nquery-name = a\n", "\7\10\201\200\0\1\0\0\0\0\0\0\1b\0\0\1\0\1",
	     JUDGE_BAD, "it answers another question"),
	SAID("dns = h\nquery-name = a\n",
	     "\7\10\201\200\0\1\0\1\0\0\0\0\1a\0\0\1\0\1\300\14\0\1\0\1\0\0\0\1\0\4abcd",
	     JUDGE_GOOD, ""),
	SAID("dns = h\nquery-name = a\n",
	     "\7\10\201\200\0\1\0\1\0\0\0\0\1a\0\0\1\0\1\300\23\300\23\0\1\0\1\0\0\0\1\0"
	     "\4abcd",
	     JUDGE_BAD, "its records make no sense"),
	/* another type, and a name of more bytes than one may have */
	SAID("dns = h\nquery-name = a\n",
	     "\7\10\201\200\0\1\0\1\0\0\0\0\1a\0\0\34\0\1\300\14\0\1\0\1\0\0\0\1\0\4abcd",
	     JUDGE_BAD, "it answers another question"),
	SAID("dns = h\nquery-name = a\n",
	     "\7\10\201\200\0\1\0\1\0\0\0\0\1a\0\0\1\0\1" L64 L64 L64 L64
	     "\0\0\1\0\1\0\0\0\1\0\4abcd",
	     JUDGE_BAD, "its records make no sense"),
	SAID("dns = h\nquery-name = a\n",
	     "\7\10\201\200\0\1\0\1\0\0\0\0\1a\0\0\1\0\1" L64 L64 L64
	     "\0\0\1\0\1\0\0\0\1\0\4abcd",
	     JUDGE_GOOD, ""),
	SAID("ntp = h\n", "short", JUDGE_MORE, ""),
	SAID("ping = h\n", "\0\0\0\0\0\0\0\0somebody else's echo", JUDGE_MORE, ""),
	ANSWER("udp = h:1\nsend = a\nexpect = body ~ b", "b", "a", JUDGE_GOOD, ""),
};

static void
try_row(size_t i)
{
	static struct talk t;
	const struct row *row = &rows[i];
	char text[1024];
	snprintf(text, sizeof text, "[check c]\n%s\n", row->section);
	struct rules *rules = book(text);
	assert_true(plan_make(&t.plan, rules, 0));
	for (unsigned cut = 0; cut < CUTS; cut++) {
		enum judgement j = talk_hold(&t, row->bytes, row->size, cut);
		if (j != row->judgement ||
		    strncmp(t.why, row->why, strlen(row->why)) != 0)
			fail_msg("row %zu (%s), cut %u: got %d '%s', expected %d '%s'", i,
				 row->section, cut, (int)j, t.why, (int)row->judgement,
				 row->why);
		if (row->asked != NULL &&
		    (t.asked_size != row->asked_size ||
		     memcmp(t.asked, row->asked, t.asked_size) != 0))
			fail_msg("row %zu (%s), cut %u: asked %zu bytes, expected %zu", i,
				 row->section, cut, t.asked_size, row->asked_size);
	}
	plan_free(&t.plan);
	rules_free(&rules);
}

static void
asks_and_judges(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		try_row(i);
}

static const struct book_row mistakes[] = {
	{ "[check c]\nudp = h:1\n",
	  "r.ini:1: [check c]: udp needs send: there is no connection to make\n" },
	{ "[check c]\nping = h:1\n", "r.ini:2: ping: a host without a port is needed\n" },
	{ "[check c]\nping = h\ncount = 21\n",
	  "r.ini:3: count: '21' is no whole number from 1 to 20\n" },
	{ "[check c]\ndns = h\n",
	  "r.ini:1: [check c]: query-name is missing: what is asked for?\n" },
	{ "[check c]\ndns = h\nquery-name = a..b\nquery-type = X\n",
	  "r.ini:3: query-name: 'a..b' is no name of the DNS\n"
	  "r.ini:4: query-type: expected A, AAAA, MX, NS, TXT, …, not 'X'\n" },
	{ "[check c]\napache-status = ftp://h/\n",
	  "r.ini:2: apache-status: expected http://HOST[:PORT]/PATH, not 'ftp://h/'\n" },
	{ "[check c]\nredis = h\nencrypt = starttls\n",
	  "r.ini:1: [check c]: redis has no starttls: encrypt = tls\n" },
	{ "[check c]\npgsql = h\nencrypt = tls\n",
	  "r.ini:1: [check c]: pgsql is not spoken over TLS from its begin: encrypt = "
	  "starttls\n" },
	{ "[check c]\njrmp = h\nencrypt = tls\n",
	  "r.ini:1: [check c]: jrmp is not spoken over TLS\n" },
	{ "[check c]\npgsql = h\nquery = SELECT 1\n",
	  "r.ini:1: [check c]: a query needs auth-user\n" },
	{ "[check c]\nredis = h\ndatabase = x\n",
	  "r.ini:1: [check c]: database and query are for pgsql and mysql\n" },
	{ "[check c]\nimap = h\nauth-password-file = /s\n",
	  "r.ini:1: [check c]: auth-password-file needs auth-user\n" },
	{ "[check c]\npgsql = /a b\n",
	  "r.ini:2: pgsql: a socket's path has up to 107 bytes and no blank\n" },
	{ "[check c]\njrmp = h\nsecret-file = /s\n",
	  "r.ini:1: [check c]: jrmp has no secret-file\n" },
	{ "[check c]\najp = h:1\nsecret-file = /s\n",
	  "r.ini:1: [check c]: a CPing needs no secret: ajp = HOST:PORT/PATH proves "
	  "it\n" },
	{ "[check c]\nvarnish = h/x\n",
	  "r.ini:2: varnish: expected HOST:PORT without a path, not 'h/x'\n" },
	{ "[check c]\njrmp = h h\n",
	  "r.ini:2: jrmp: no blank, quote or '#' may stand in 'h h'\n" },
	{ "[check c]\nhaproxy = h\n", "r.ini:2: haproxy: expected HOST:PORT, not 'h'\n" },
	{ "[check c]\nhaproxy = /s b c\n", "r.ini:2: haproxy: 'c' behind the value\n" },
	{ "[check c]\njrmp = h\nexpect = status 200, body ~ x\n",
	  "r.ini:1: [check c]: jrmp has no status to expect\n"
	  "r.ini:1: [check c]: jrmp has no body to expect\n" },
	{ "[check c]\ntcp = h:1\nsend = a\\q\n",
	  "r.ini:3: send: expected \\r \\n \\t \\\\ or \\xHH behind a backslash\n" },
	{ "[check c]\ntcp = h:1\nsend = a\\x1\n",
	  "r.ini:3: send: expected \\r \\n \\t \\\\ or \\xHH behind a backslash\n" },
	{ "[check c]\ntcp = h:1\nsend = a\\\n",
	  "r.ini:3: send: expected \\r \\n \\t \\\\ or \\xHH behind a backslash\n" },
	{ "[check c]\nhttp = http://h/\nsend = a\n",
	  "r.ini:1: [check c]: send is for tcp, udp and unix\n" },
	{ "[check c]\ntcp = h:1\nexpect = body > 5B\n",
	  "r.ini:1: [check c]: in a dialogue only body ~ REGEX is expected\n" },
	{ "[check c]\ntcp = h:1\nwarn = body ~ x\n",
	  "r.ini:1: [check c]: a dialogue has no warn of a body\n" },
};

static void
refuses_what_makes_no_sense(void **state)
{
	(void)state;
	book_table(mistakes, COUNT(mistakes));
}

int
test_probes_kinds(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(asks_and_judges),
		cmocka_unit_test(refuses_what_makes_no_sense),
	};
	return cmocka_run_group_tests_name("probes_kinds", tests, NULL, NULL);
}
