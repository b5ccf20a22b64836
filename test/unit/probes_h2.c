/* HTTP/2 of one exchange, against nghttp2's own server: what it hears and what comes back as
 * HTTP/1.1, however its bytes are cut; and peers that are none. */
#include "probes/h2.h"
#include "test/unit/probes.h"

#include <nghttp2/nghttp2.h>
#include <stdlib.h>
#include <string.h>

#define ASKED "GET /x?y HTTP/1.1\r\nHost: h:8\r\nAccept: */*\r\nConnection: close\r\n\r\n"
#define POSTED "POST /p HTTP/1.1\r\nHost: h\r\nTE: trailers\r\nContent-Length: 3\r\n\r\nabc"
#define HEARD ":method: GET\n:scheme: https\n:authority: h:8\n:path: /x?y\naccept: */*\n\n"

static const struct row {
	const char *request;
	const char *lines;	/* of the answer's head: "name: value\n" */
	const char *body;	/* NULL: none */
	const char *trailer;	/* the same, or NULL */
	bool interim;
	const char *heard; /* by the server */
	unsigned status;
	const char *header; /* a line that the head has */
} rows[] = {
	{ ASKED, ":status: 200\nserver: s\n", "hello", NULL, false, HEARD, 200, "server: s\r\n" },
	{ ASKED, ":status: 200\ncontent-length: 5\n", "hello", NULL, false, HEARD, 200,
	  "content-length: 5\r\n" },
	{ ASKED, ":status: 404\n", NULL, NULL, false, HEARD, 404, "transfer-encoding: chunked\r\n" },
	{ ASKED, ":status: 204\n", NULL, NULL, true, HEARD, 204, "" },
	{ POSTED, ":status: 200\n", "answer", "grpc-status: 0\ngrpc-message: fine\n", false,
	  ":method: POST\n:scheme: https\n:authority: h\n:path: /p\nte: trailers\n\nabc", 200, "" },
	{ POSTED, ":status: 200\ngrpc-status: 5\n", NULL, NULL, false,
	  ":method: POST\n:scheme: https\n:authority: h\n:path: /p\nte: trailers\n\nabc", 200,
	  "grpc-status: 5\r\n" },
};

/* ---- the server ---- */

struct server {
	nghttp2_session *session;
	const struct row *row;
	char heard[512];
	size_t heard_size, sent;
};

static size_t
fields(const char *lines, nghttp2_nv list[8])
{
	size_t n = 0;
	for (const char *at = lines; at != NULL && *at != '\0'; n++) {
		const char *end = strchr(at, '\n'), *colon = strstr(at, ": ");
		list[n] = (nghttp2_nv){ .name = (uint8_t *)(uintptr_t)at,
					.namelen = (size_t)(colon - at),
					.value = (uint8_t *)(uintptr_t)colon + 2,
					.valuelen = (size_t)(end - colon) - 2 };
		at = end + 1;
	}
	return n;
}

static void
hear(struct server *s, const void *bytes, size_t size)
{
	assert_true(s->heard_size + size < sizeof s->heard);
	memcpy(s->heard + s->heard_size, bytes, size);
	s->heard_size += size;
}

static int
hear_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name, size_t n,
	    const uint8_t *value, size_t size, uint8_t flags, void *arg)
{
	(void)session;
	(void)frame;
	(void)flags;
	hear(arg, name, n);
	hear(arg, ": ", 2);
	hear(arg, value, size);
	hear(arg, "\n", 1);
	return 0;
}

static int
hear_data(nghttp2_session *session, uint8_t flags, int32_t stream, const uint8_t *bytes,
	  size_t size, void *arg)
{
	(void)session;
	(void)flags;
	(void)stream;
	hear(arg, bytes, size);
	return 0;
}

static ssize_t
read_answer(nghttp2_session *session, int32_t stream, uint8_t *out, size_t cap, uint32_t *flags,
	    nghttp2_data_source *source, void *arg)
{
	struct server *s = arg;
	nghttp2_nv list[8];
	size_t n = strlen(s->row->body);
	(void)source;
	assert_true(n <= cap);
	memcpy(out, s->row->body, n);
	*flags |= NGHTTP2_DATA_FLAG_EOF;
	if (s->row->trailer != NULL) {
		*flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
		nghttp2_submit_trailer(session, stream, list,
				       fields(s->row->trailer, list));
	}
	return (ssize_t)n;
}

static int
hear_frame(nghttp2_session *session, const nghttp2_frame *frame, void *arg)
{
	static const nghttp2_nv early = { .name = (uint8_t *)(uintptr_t) ":status",
					  .namelen = 7,
					  .value = (uint8_t *)(uintptr_t) "103",
					  .valuelen = 3 };
	struct server *s = arg;
	nghttp2_nv list[8];
	nghttp2_data_provider body = { .read_callback = read_answer };
	if (frame->hd.type == NGHTTP2_HEADERS)
		hear(s, "\n", 1);
	if (frame->hd.stream_id == 0 || (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) == 0)
		return 0;
	if (s->row->interim)
		nghttp2_submit_headers(session, NGHTTP2_FLAG_NONE, frame->hd.stream_id,
				       NULL, &early, 1, NULL);
	size_t n = fields(s->row->lines, list);
	return nghttp2_submit_response(session, frame->hd.stream_id, list, n,
				       s->row->body != NULL ? &body : NULL);
}

static void
server_begin(struct server *s, const struct row *row)
{
	nghttp2_session_callbacks *calls;
	*s = (struct server){ .row = row };
	assert_int_equal(nghttp2_session_callbacks_new(&calls), 0);
	nghttp2_session_callbacks_set_on_header_callback(calls, hear_header);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(calls, hear_data);
	nghttp2_session_callbacks_set_on_frame_recv_callback(calls, hear_frame);
	assert_int_equal(nghttp2_session_server_new(&s->session, calls, s), 0);
	nghttp2_session_callbacks_del(calls);
	assert_int_equal(nghttp2_submit_settings(s->session, NGHTTP2_FLAG_NONE, NULL, 0),
			 0);
}

/* ---- the client, and what it makes of it ---- */

static void
to_server(struct h2 *h, struct server *s)
{
	const char *bytes;
	/* piece by piece */
	for (size_t n; (n = h2_out(h, &bytes)) > 0; h2_sent(h, n > 7 ? 7 : n)) {
		size_t piece = n > 7 ? 7 : n;
		assert_int_equal(nghttp2_session_mem_recv(s->session,
							  (const uint8_t *)bytes, piece),
				 piece);
	}
}

static size_t
from_server(struct h2 *h, struct server *s, unsigned cut, char *text, size_t cap)
{
	const uint8_t *bytes;
	char why[MSG_TEXT] = "";
	uint32_t chance = 1;
	size_t size = 0;
	for (;;) {
		ssize_t n = nghttp2_session_mem_send(s->session, &bytes);
		if (n <= 0)
			break;
		for (size_t at = 0; at < (size_t)n;) {
			size_t piece = cut_next(cut, (size_t)n - at, &chance);
			h2_take(h, (const char *)bytes + at, piece);
			if (h2_failed(h, why))
				fail_msg("%s", why);
			at += piece;
			size += h2_text(h, text + size, cap - size);
		}
	}
	return size;
}

static void
look(const struct row *row, char *text, size_t size)
{
	struct http http = { .keep_trailer = true };
	char why[MSG_TEXT] = "", value[64];
	enum http_read got =
		http_read(&http, text, &size, true, false, true, why, sizeof why);
	assert_int_equal(got, HTTP_READ_HEAD);
	assert_int_equal(http.status, row->status);
	assert_non_null(memmem(text, http.head_end, row->header, strlen(row->header)));
	got = http_read(&http, text, &size, true, false, true, why, sizeof why);
	if (got != HTTP_READ_DONE)
		fail_msg("%s", why);
	const char *body = row->body != NULL ? row->body : "";
	assert_int_equal(http.body_size, strlen(body));
	assert_memory_equal(text + http.head_end, body, strlen(body));
	if (row->trailer != NULL) {
		assert_true(http_header(text + http.body_end, http.trailer_kept,
					"grpc-status", value, sizeof value));
		assert_string_equal(value, "0");
	}
}

static void
speaks_with_a_server(void **state)
{
	static char text[65536];
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		for (unsigned cut = 0; cut < CUTS; cut++) {
			struct server s;
			struct h2 *h = h2_new();
			assert_non_null(h);
			server_begin(&s, &rows[i]);
			assert_true(h2_ask(h, rows[i].request, strlen(rows[i].request),
					   true));
			to_server(h, &s);
			size_t size = from_server(h, &s, cut, text, sizeof text);
			s.heard[s.heard_size] = '\0';
			assert_string_equal(s.heard, rows[i].heard);
			assert_true(h2_ended(h));
			look(&rows[i], text, size);
			nghttp2_session_del(s.session);
			h2_free(&h);
		}
}

/* ---- peers that are no server of it ---- */

#define SETTINGS "\0\0\0\4\0\0\0\0\0"
static const struct {
	const char *bytes;
	size_t size;
	const char *why;
} strangers[] = {
	{ BYTES("HTTP/1.1 400 Bad Request\r\n\r\n"), "HTTP/2: not spoken: the peer answers in HTTP/1" },
	{ BYTES("HTTP/1.0"), "HTTP/2: not spoken" },
	{ BYTES("SSH-2.0-x\r\n"), "HTTP/2: it does not keep its rules" },
	{ BYTES("220 mail ESMTP\r\n"), "HTTP/2: it does not keep its rules" },
	{ BYTES("\0\0\0\1\5\0\0\0\1"), "HTTP/2: it does not keep its rules" }, /* headers before settings */
	{ BYTES(SETTINGS "\0\0\4\3\0\0\0\0\1\0\0\0\10"), "HTTP/2: CANCEL" },
	{ BYTES(SETTINGS "\0\0\10\7\0\0\0\0\0\0\0\0\0\0\0\0\13"),
	  "HTTP/2: ENHANCE_YOUR_CALM" },
	{ BYTES(SETTINGS "\0\0\1\1\5\0\0\0\1\200"), "HTTP/2: it does not keep its rules" }, /* no such entry of HPACK's table */
	{ BYTES(SETTINGS "\0\0\6\1\4\0\0\0\1\210\100\1A\1b"), "HTTP/2: PROTOCOL_ERROR" }, /* a name in capitals */
	{ BYTES(SETTINGS "\0\0\1\0\1\0\0\0\1x"), "HTTP/2: it does not keep its rules" },
};

static bool
gives_up(struct h2 *h, const char *bytes, size_t size, unsigned cut, char why[MSG_TEXT])
{
	uint32_t chance = 1;
	const char *out;
	*why = '\0';
	for (size_t at = 0; at < size;) {
		size_t piece = cut_next(cut, size - at, &chance);
		h2_take(h, bytes + at, piece);
		for (size_t n; (n = h2_out(h, &out)) > 0;)
			h2_sent(h, n);
		if (h2_failed(h, why))
			return true;
		at += piece;
	}
	return false;
}

static void
knows_strangers(void **state)
{
	char why[MSG_TEXT];
	(void)state;
	for (size_t i = 0; i < COUNT(strangers); i++)
		for (unsigned cut = 0; cut < CUTS; cut++) {
			struct h2 *h = h2_new();
			const char *out;
			assert_true(h2_ask(h, ASKED, strlen(ASKED), false));
			for (size_t n; (n = h2_out(h, &out)) > 0;)
				h2_sent(h, n);
			bool over = gives_up(h, strangers[i].bytes, strangers[i].size,
					     cut, why);
			const char *wanted = strangers[i].why;
			if (!over || strncmp(why, wanted, strlen(wanted)) != 0)
				fail_msg("row %zu, cut %u: %d '%s', expected '%s'", i,
					 cut, over, why, wanted);
			h2_free(&h);
		}
}

static void
refuses_what_is_no_request(void **state)
{
	static const char *const bad[] = { "",
					   "GET / HTTP/1.1\r\n",
					   "\r\n\r\n",
					   "GET\r\n\r\n",
					   "GET  HTTP/1.1\r\n\r\n",
					   "GET / HTTP/1.1\r\nx\r\n\r\n" };
	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		struct h2 *h = h2_new();
		assert_false(h2_ask(h, bad[i], strlen(bad[i]), false));
		h2_free(&h);
	}
}

int
test_probes_h2(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(speaks_with_a_server),
		cmocka_unit_test(knows_strangers),
		cmocka_unit_test(refuses_what_is_no_request),
	};
	return cmocka_run_group_tests_name("probes_h2", tests, NULL, NULL);
}
