#include "probes/h2.h"

#include "base/text.h"

#include <assert.h>
#include <nghttp2/nghttp2.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define HEADERS_MOST 100   /* of a request */
#define TEXT_MOST 524288   /* of an answer that nobody has taken yet */
#define OUT_ENOUGH 16384  /* bytes to be sent at once */
#define WORD "HTTP/"       /* an older peer begins so */

struct h2 {
	nghttp2_session *session;
	int32_t stream; /* 0: not asked yet */
	char *request;
	const char *body;
	size_t body_size, body_sent;
	char *out; /* frames that are to be sent; together, as many small ones cost more */
	size_t out_size, out_sent, out_cap;
	char *text;
	size_t size, taken, cap;
	char first[sizeof WORD - 1]; /* bytes that came */
	size_t first_size;
	bool head;    /* the final head is whole */
	bool interim; /* the head that is being read is not final */
	bool sized;   /* it names the length of its body */
	bool ended;
	bool whole;	    /* as it should */
	const char *broken; /* why nothing of it counts */
	uint32_t reset;     /* why the stream or the connection was */
};

/* ---- text of the answer ---- */

static bool
add(struct h2 *h, const void *bytes, size_t size)
{
	if (h->taken > 0 && h->taken == h->size)
		h->size = h->taken = 0;
	if (h->size + size > TEXT_MOST) {
		h->broken = "a header section without an end";
		return false;
	}
	size_t cap = h->cap > 0 ? h->cap : 4096;
	while (cap < h->size + size)
		cap *= 2;
	if (cap > h->cap) {
		char *more = realloc(h->text, cap);
		if (more == NULL) {
			h->broken = "out of memory";
			return false;
		}
		h->text = more;
		h->cap = cap;
	}
	if (size > 0)
		memcpy(h->text + h->size, bytes, size);
	h->size += size;
	return true;
}

static int
say(struct h2 *h, const char *text)
{
	return add(h, text, strlen(text)) ? 0 : NGHTTP2_ERR_CALLBACK_FAILURE;
}

static int
on_begin(nghttp2_session *s, const nghttp2_frame *frame, void *arg)
{
	struct h2 *h = arg;
	(void)s;
	if (frame->hd.stream_id != h->stream)
		return 0;
	h->interim = false;
	if (!h->head)
		h->sized = false;
	return h->head && !h->sized ? say(h, "0\r\n") : 0; /* trailers */
}

/* A line of a head or trailer. The library lets no control byte through. */
static int
on_header(nghttp2_session *s, const nghttp2_frame *frame, const uint8_t *name, size_t n,
	  const uint8_t *value, size_t size, uint8_t flags, void *arg)
{
	struct h2 *h = arg;
	(void)s;
	(void)flags;
	if (frame->hd.stream_id != h->stream || (h->head && h->sized))
		return 0;
	if (n == 7 && memcmp(name, ":status", 7) == 0) {
		h->interim = size > 0 && value[0] == '1';
		return say(h, "HTTP/1.1 ") == 0 && add(h, value, size)
			       ? say(h, " \r\n")
			       : NGHTTP2_ERR_CALLBACK_FAILURE;
	}
	h->sized = h->sized ||
		   (!h->head && n == 14 && memcmp(name, "content-length", 14) == 0);
	return add(h, name, n) && say(h, ": ") == 0 && add(h, value, size)
		       ? say(h, "\r\n")
		       : NGHTTP2_ERR_CALLBACK_FAILURE;
}

static int
on_bad_header(nghttp2_session *s, const nghttp2_frame *frame, const uint8_t *name, size_t n,
	      const uint8_t *value, size_t size, uint8_t flags, void *arg)
{
	struct h2 *h = arg;
	(void)s;
	(void)name;
	(void)n;
	(void)value;
	(void)size;
	(void)flags;
	if (frame->hd.stream_id == h->stream)
		h->broken = "a header line is not well-formed";
	return 0;
}

static int
on_data(nghttp2_session *s, uint8_t flags, int32_t stream, const uint8_t *bytes, size_t size,
	void *arg)
{
	struct h2 *h = arg;
	char head[24];
	(void)s;
	(void)flags;
	if (stream != h->stream || size == 0)
		return 0;
	if (h->sized)
		return add(h, bytes, size) ? 0 : NGHTTP2_ERR_CALLBACK_FAILURE;
	text_print(head, sizeof head, "%zx\r\n", size);
	return say(h, head) == 0 && add(h, bytes, size) ? say(h, "\r\n")
							: NGHTTP2_ERR_CALLBACK_FAILURE;
}

static int
end_head(struct h2 *h, bool last)
{
	if (h->interim)
		return say(h, "\r\n");
	h->head = true;
	if (h->sized)
		return say(h, "\r\n");
	return say(h, last ? "transfer-encoding: chunked\r\n\r\n0\r\n\r\n"
			   : "transfer-encoding: chunked\r\n\r\n");
}

static int
on_frame(nghttp2_session *s, const nghttp2_frame *frame, void *arg)
{
	struct h2 *h = arg;
	bool last = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
	(void)s;
	if (frame->hd.type == NGHTTP2_GOAWAY &&
	    frame->goaway.error_code != NGHTTP2_NO_ERROR)
		h->reset = frame->goaway.error_code;
	if (frame->hd.stream_id != h->stream)
		return 0;
	if (frame->hd.type == NGHTTP2_HEADERS && !h->head)
		return end_head(h, last);
	if (!last || h->sized)
		return 0;
	if (frame->hd.type == NGHTTP2_HEADERS)
		return say(h, "\r\n");
	return frame->hd.type == NGHTTP2_DATA ? say(h, "0\r\n\r\n") : 0;
}

static int
on_close(nghttp2_session *s, int32_t stream, uint32_t error, void *arg)
{
	struct h2 *h = arg;
	(void)s;
	if (stream != h->stream)
		return 0;
	h->ended = true;
	h->whole = h->head && error == NGHTTP2_NO_ERROR;
	if (h->reset == NGHTTP2_NO_ERROR) /* what ends the connection says more */
		h->reset = error;
	return 0;
}

/* ---- its life ---- */

struct h2 *
h2_new(void)
{
	static nghttp2_session_callbacks *calls;
	static const nghttp2_settings_entry settings[] = {
		{ NGHTTP2_SETTINGS_ENABLE_PUSH, 0 },
		{ NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 1 },
	};
	if (calls == NULL && nghttp2_session_callbacks_new(&calls) == 0) {
		nghttp2_session_callbacks_set_on_begin_headers_callback(calls, on_begin);
		nghttp2_session_callbacks_set_on_header_callback(calls, on_header);
		nghttp2_session_callbacks_set_on_invalid_header_callback(calls,
									 on_bad_header);
		nghttp2_session_callbacks_set_on_data_chunk_recv_callback(calls, on_data);
		nghttp2_session_callbacks_set_on_frame_recv_callback(calls, on_frame);
		nghttp2_session_callbacks_set_on_stream_close_callback(calls, on_close);
	}
	struct h2 *h = calls != NULL ? calloc(1, sizeof *h) : NULL;
	if (h == NULL)
		return NULL;
	if (nghttp2_session_client_new(&h->session, calls, h) != 0 ||
	    nghttp2_submit_settings(h->session, NGHTTP2_FLAG_NONE, settings,
				    sizeof settings / sizeof *settings) != 0)
		h2_free(&h);
	return h;
}

void
h2_free(struct h2 **hp)
{
	struct h2 *h = *hp;
	if (h != NULL) {
		nghttp2_session_del(h->session);
		free(h->request);
		free(h->text);
		free(h->out);
	}
	free(h);
	*hp = NULL;
}

/* ---- asking ---- */

static nghttp2_nv
field(const char *name, size_t n, const char *value, size_t size)
{
	return (nghttp2_nv){ .name = (uint8_t *)(uintptr_t)name,
			     .value = (uint8_t *)(uintptr_t)value,
			     .namelen = n,
			     .valuelen = size };
}

/* RFC 9113 8.2.2: what speaks of the connection has no place in a stream. */
static bool
is_of_connection(const char *name, size_t n)
{
	static const char *const names[] = { "connection",       "keep-alive",
					     "proxy-connection", "transfer-encoding",
					     "upgrade",          "content-length" };
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (strlen(names[i]) == n && memcmp(name, names[i], n) == 0)
			return true;
	return false;
}

/* "Name: value" of `length` bytes, in lower case from now on. False: it is none. */
static bool
add_line(char *line, size_t length, nghttp2_nv *list, size_t *count, nghttp2_nv *authority)
{
	char *colon = memchr(line, ':', length);
	if (colon == NULL || colon == line || *count == HEADERS_MOST)
		return false;
	size_t n = (size_t)(colon - line);
	for (size_t i = 0; i < n; i++)
		if (line[i] >= 'A' && line[i] <= 'Z')
			line[i] = (char)(line[i] + 32);
	const char *value = colon + 1, *end = line + length;
	while (value < end && (*value == ' ' || *value == '\t'))
		value++;
	if (n == 4 && memcmp(line, "host", 4) == 0)
		*authority = field(":authority", 10, value, (size_t)(end - value));
	else if (!is_of_connection(line, n))
		list[(*count)++] = field(line, n, value, (size_t)(end - value));
	return true;
}

static ssize_t
read_body(nghttp2_session *s, int32_t stream, uint8_t *out, size_t cap, uint32_t *flags,
	  nghttp2_data_source *source, void *arg)
{
	struct h2 *h = arg;
	size_t n = h->body_size - h->body_sent;
	(void)s;
	(void)stream;
	(void)source;
	n = n < cap ? n : cap;
	memcpy(out, h->body + h->body_sent, n);
	h->body_sent += n;
	if (h->body_sent == h->body_size)
		*flags |= NGHTTP2_DATA_FLAG_EOF;
	return (ssize_t)n;
}

/* "POST /x HTTP/1.1": its parts. False: it is none. */
static bool
add_request_line(const char *line, size_t length, bool tls, nghttp2_nv list[4])
{
	const char *method_end = memchr(line, ' ', length), *end = line + length;
	const char *target = method_end != NULL ? method_end + 1 : end;
	const char *target_end = memchr(target, ' ', (size_t)(end - target));
	if (target_end == NULL || method_end == line || target_end == target)
		return false;
	list[0] = field(":method", 7, line, (size_t)(method_end - line));
	list[1] = field(":scheme", 7, tls ? "https" : "http", tls ? 5 : 4);
	list[3] = field(":path", 5, target, (size_t)(target_end - target));
	return true;
}

bool
h2_ask(struct h2 *h, const char *request, size_t size, bool tls)
{
	nghttp2_nv list[4 + HEADERS_MOST];
	nghttp2_data_provider body = { .read_callback = read_body };
	size_t count = 0;
	assert(h->stream == 0 && h->request == NULL);
	const char *head_end = memmem(request, size, "\r\n\r\n", 4);
	if (head_end == NULL || (h->request = malloc(size)) == NULL)
		return false;
	memcpy(h->request, request, size);
	size_t head = (size_t)(head_end - request) + 2;
	h->body = h->request + head + 2;
	h->body_size = size - head - 2;
	char *at = h->request, *stop = memmem(at, head, "\r\n", 2);
	list[2] = field(":authority", 10, "", 0);
	if (!add_request_line(at, (size_t)(stop - at), tls, list))
		return false;
	for (at = stop + 2; at < h->request + head; at = stop + 2) {
		stop = memmem(at, (size_t)(h->request + head - at), "\r\n", 2);
		if (!add_line(at, (size_t)(stop - at), list + 4, &count, &list[2]))
			return false;
	}
	h->stream = nghttp2_submit_request(h->session, NULL, list, count + 4,
					   h->body_size > 0 ? &body : NULL, NULL);
	return h->stream > 0;
}

static void
gather(struct h2 *h)
{
	const uint8_t *piece;
	ssize_t n = 0;
	h->out_size = h->out_sent = 0;
	while (h->out_size < OUT_ENOUGH && h->broken == NULL &&
	       (n = nghttp2_session_mem_send(h->session, &piece)) > 0) {
		size_t cap = h->out_size + (size_t)n;
		char *more = cap > h->out_cap ? realloc(h->out, cap) : h->out;
		if (more == NULL) {
			h->broken = "out of memory";
			return;
		}
		h->out_cap = cap > h->out_cap ? cap : h->out_cap;
		h->out = more;
		memcpy(h->out + h->out_size, piece, (size_t)n);
		h->out_size = cap;
	}
	if (n < 0 && h->broken == NULL)
		h->broken = nghttp2_strerror((int)n);
}

size_t
h2_out(struct h2 *h, const char **bytes)
{
	if (h->out_sent == h->out_size)
		gather(h);
	size_t n = h->out_size - h->out_sent;
	*bytes = n > 0 ? h->out + h->out_sent : NULL;
	return n;
}

void
h2_sent(struct h2 *h, size_t size)
{
	assert(size <= h->out_size - h->out_sent);
	h->out_sent += size;
}

/* ---- reading ---- */

/* It begins as an answer of an older version does, however it is cut. */
static bool
is_older(struct h2 *h, const char *bytes, size_t size)
{
	size_t room = sizeof h->first - h->first_size;
	size_t n = size < room ? size : room;
	memcpy(h->first + h->first_size, bytes, n);
	h->first_size += n;
	return h->first_size == sizeof h->first &&
	       memcmp(h->first, WORD, sizeof h->first) == 0;
}

void
h2_take(struct h2 *h, const char *bytes, size_t size)
{
	if (h->broken != NULL)
		return;
	if (h->first_size < sizeof h->first && is_older(h, bytes, size)) {
		h->broken = "not spoken: the peer answers in HTTP/1";
		return;
	}
	ssize_t n = nghttp2_session_mem_recv(h->session, (const uint8_t *)bytes, size);
	if (n < 0 && h->broken == NULL)
		h->broken = nghttp2_strerror((int)n);
}

static const char *
failure(const struct h2 *h)
{
	if (h->broken != NULL || h->whole)
		return h->broken;
	if (h->reset != NGHTTP2_NO_ERROR)
		return nghttp2_http2_strerror(h->reset);
	bool over = !nghttp2_session_want_read(h->session) &&
		    !nghttp2_session_want_write(h->session) && h->out_sent == h->out_size;
	return h->ended || over ? "it does not keep its rules" : NULL;
}

bool
h2_failed(const struct h2 *h, char why[MSG_TEXT])
{
	const char *what = failure(h);
	if (what != NULL)
		text_print(why, MSG_TEXT, "HTTP/2: %s", what);
	return what != NULL;
}

bool
h2_holds(const struct h2 *h)
{
	return h->taken < h->size;
}

size_t
h2_text(struct h2 *h, char *out, size_t cap)
{
	size_t n = h->size - h->taken;
	n = n < cap ? n : cap;
	if (n > 0)
		memcpy(out, h->text + h->taken, n);
	h->taken += n;
	return n;
}

bool
h2_ended(const struct h2 *h)
{
	return h->ended && !h2_holds(h);
}
