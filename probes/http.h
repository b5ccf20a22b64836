/* probes/http.h: one HTTP/1.x answer, read as it comes, strictly (RFC 9112).
 *
 * Interim answers (1xx) are skipped. A header section that is not well-formed, folded
 * lines, both of or differing Content-Length and Transfer-Encoding, another coding than
 * chunked, and what ends before its end are failures. The header section may have
 * HTTP_HEAD_MAX bytes; of a body that is kept, the first HTTP_BODY_MAX bytes are.
 */
#ifndef PROBES_HTTP_H
#define PROBES_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HTTP_HEAD_MAX 32768u
#define HTTP_BODY_MAX 262144u
#define HTTP_INTERIM_MAX 16u

enum http_stage {
	HTTP_HEAD,       /* status line and header lines */
	HTTP_LENGTH,     /* a body of `left` bytes */
	HTTP_CLOSE,      /* a body until the peer closes */
	HTTP_CHUNK_SIZE, /* the line before a chunk */
	HTTP_CHUNK,      /* `left` bytes of a chunk */
	HTTP_CHUNK_END,  /* the line end behind it */
	HTTP_TRAILER,    /* lines behind the last chunk */
	HTTP_DONE
};

struct http {
	enum http_stage stage;
	unsigned status;             /* of the final answer, once stage > HTTP_HEAD */
	unsigned interim;            /* 1xx answers so far */
	size_t scanned;              /* header lines before this are well-formed */
	size_t head_begin, head_end; /* header lines of the final answer */
	size_t body_end;             /* kept body: bytes[head_end … body_end) */
	uint64_t body_size;          /* decoded, kept or not */
	uint64_t enough; /* the caller's: so many body bytes will do, 0: all */
	uint64_t left;
	size_t trailer; /* bytes of trailer lines so far */
	bool keep_trailer;   /* the caller's: they are kept, at bytes[body_end … ) */
	size_t trailer_kept; /* so many bytes of them */
};

enum http_read { HTTP_READ_MORE, HTTP_READ_HEAD, HTTP_READ_DONE, HTTP_READ_BAD };

/* Goes on with bytes[0 … *size), of which it has kept what it needs; takes out body bytes
 * that are not kept, and chunk framing. ended: no more will come. is_head: the request
 * was HEAD. HTTP_READ_HEAD is returned once, when the final header section is complete;
 * call again to read on. HTTP_READ_DONE: the answer, or `enough` of its body, has come.
 * HTTP_READ_BAD: why (cap bytes) says the reason. However an answer is cut into calls,
 * what is returned in the end is the same. */
enum http_read http_read(struct http *h, char *bytes, size_t *size, bool ended,
			 bool is_head, bool keep_body, char *why, size_t cap);

/* The value of a header (name in lower case), its lines joined by ", " into out.
 * False: it is not there. head: bytes[head_begin … head_end). */
bool http_header(const char *head, size_t size, const char *name, char *out, size_t cap);

#endif
