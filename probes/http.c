#include "probes/http.h"

#include "base/text.h"

#include <string.h>

static enum http_read
bad(char *why, size_t cap, const char *reason)
{
	text_print(why, cap, "%s", reason);
	return HTTP_READ_BAD;
}

/* RFC 9110 5.6.2 */
static bool
is_token(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
	       (c >= 'a' && c <= 'z') ||
	       (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

static char
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

/* A line at `at`: its length without the line end (CRLF, or LF alone: RFC 9112 2.2), and
 * where the next begins. False: its end has not come. */
static bool
line_at(const char *bytes, size_t size, size_t at, size_t *length, size_t *next)
{
	const char *end = size > at ? memchr(bytes + at, '\n', size - at) : NULL;
	if (end == NULL)
		return false;
	*next = (size_t)(end - bytes) + 1;
	*length = *next - 1 - at;
	if (*length > 0 && bytes[at + *length - 1] == '\r')
		(*length)--;
	return true;
}

/* Nothing but tabs and what is printed, RFC 9110 5.5. */
static bool
is_text(const char *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (((unsigned char)bytes[i] < 32 && bytes[i] != '\t') || bytes[i] == 127)
			return false;
	return true;
}

static const char version[] = "HTTP/1."; /* then a digit */

/* "HTTP/1.1 200 reason"; 0: it is none. */
static unsigned
status_line(const char *line, size_t n)
{
	if (n < 12 || memcmp(line, version, 7) != 0 || line[7] < '0' || line[7] > '9' ||
	    line[8] != ' ')
		return 0;
	for (unsigned i = 9; i < 12; i++)
		if (line[i] < '0' || line[i] > '9')
			return 0;
	if (n > 12 && (line[12] != ' ' || !is_text(line + 12, n - 12)))
		return 0;
	unsigned status = (unsigned)((line[9] - '0') * 100 + (line[10] - '0') * 10 +
				     (line[11] - '0'));
	return status >= 100 ? status : 0;
}

/* A header line is a token, a colon and text without control bytes; no folding. */
static bool
field_line(const char *line, size_t n)
{
	size_t i = 0;
	while (i < n && is_token(line[i]))
		i++;
	if (i == 0 || i == n || line[i] != ':')
		return false;
	return is_text(line + i, n - i);
}

static bool
is_field(const char *line, size_t n, const char *name, const char **value, size_t *size)
{
	size_t k = strlen(name);
	if (n <= k || line[k] != ':')
		return false;
	for (size_t i = 0; i < k; i++)
		if (lower(line[i]) != name[i])
			return false;
	const char *v = line + k + 1, *end = line + n;
	while (v < end && (*v == ' ' || *v == '\t'))
		v++;
	while (end > v && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	*value = v;
	*size = (size_t)(end - v);
	return true;
}

bool
http_header(const char *head, size_t size, const char *name, char *out, size_t cap)
{
	size_t length, next, n, used = 0;
	const char *value;
	bool found = false;
	*out = '\0';
	for (size_t at = 0; line_at(head, size, at, &length, &next); at = next) {
		if (!is_field(head + at, length, name, &value, &n))
			continue;
		if (found)
			used += text_print(out + used, cap - used, ", ");
		used += text_clean(out + used, cap - used, value, n);
		found = true;
	}
	return found;
}

/* ---- framing of the body, RFC 9112 6.3 ---- */

static bool
length_of(const char *head, size_t size, uint64_t *out, bool *present)
{
	size_t length, next, n;
	const char *value;
	*present = false;
	for (size_t at = 0; line_at(head, size, at, &length, &next); at = next) {
		uint64_t v = 0;
		if (!is_field(head + at, length, "content-length", &value, &n))
			continue;
		if (n == 0 || n > 18)
			return false;
		for (size_t i = 0; i < n; i++) {
			if (value[i] < '0' || value[i] > '9')
				return false;
			v = v * 10 + (uint64_t)(value[i] - '0');
		}
		if (*present && v != *out)
			return false;
		*out = v;
		*present = true;
	}
	return true;
}

static bool
is_word(const char *text, const char *word)
{
	size_t i = 0;
	for (; word[i] != '\0'; i++)
		if (lower(text[i]) != word[i])
			return false;
	return text[i] == '\0';
}

static bool
frame(struct http *h, const char *head, size_t size, bool is_head, char *why, size_t cap)
{
	char coding[64];
	bool chunked =
		     http_header(head, size, "transfer-encoding", coding, sizeof coding),
	     sized;
	h->left = 0;
	if (!length_of(head, size, &h->left, &sized)) {
		bad(why, cap, "Content-Length is no number, or two that differ");
		return false;
	}
	if (chunked && (sized || !is_word(coding, "chunked"))) {
		bad(why, cap,
		    sized ? "both Content-Length and Transfer-Encoding"
			  : "a transfer coding that is not chunked");
		return false;
	}
	if (is_head || h->status == 204 || h->status == 304 || (sized && h->left == 0))
		h->stage = HTTP_DONE;
	else if (chunked)
		h->stage = HTTP_CHUNK_SIZE;
	else
		h->stage = sized ? HTTP_LENGTH : HTTP_CLOSE;
	return true;
}

/* ---- the head ---- */

#define FIRST_LINE 4096 /* bytes of it */
static const char head_too_long[] = "a header section of more than 32 KiB";

static enum http_read
no_http(const char *line, size_t n, char *why, size_t cap)
{
	char shown[60];
	text_clean(shown, sizeof shown, line, n);
	text_print(why, cap, "no HTTP answer: '%s'", shown);
	return HTTP_READ_BAD;
}

/* One header section, from where the last call stopped: a dripping peer must not cost us
 * squares. Sets head_begin to the first header line and head_end behind the empty one. */
static enum http_read
section(struct http *h, const char *bytes, size_t size, char *why, size_t cap)
{
	size_t length, next;
	if (h->head_begin == 0) {
		bool whole = line_at(bytes, size, 0, &length, &next);
		if ((whole ? next - 1 : size) > FIRST_LINE)
			return bad(why, cap,
				   "no HTTP answer: its first line does not end");
		if (!whole)
			return HTTP_READ_MORE;
		h->status = status_line(bytes, length);
		if (h->status == 0)
			return no_http(bytes, length, why, cap);
		h->head_begin = h->scanned = next;
	}
	for (; line_at(bytes, size, h->scanned, &length, &next); h->scanned = next) {
		if (length == 0) {
			if (next > HTTP_HEAD_MAX) /* however it was cut into reads */
				return bad(why, cap, head_too_long);
			h->head_end = next;
			return HTTP_READ_HEAD;
		}
		if (!field_line(bytes + h->scanned, length))
			return bad(why, cap, "a header line is not well-formed");
	}
	return HTTP_READ_MORE;
}

static enum http_read
read_head(struct http *h, char *bytes, size_t *size, bool ended, bool is_head, char *why,
	  size_t cap)
{
	for (;;) {
		/* what cannot become HTTP is told at once, not at its first line's end */
		if (memcmp(bytes, version, *size < 7 ? *size : 7) != 0)
			return no_http(bytes, *size, why, cap);
		enum http_read got = section(h, bytes, *size, why, cap);
		if (got == HTTP_READ_BAD)
			return got;
		if (got == HTTP_READ_MORE) {
			if (*size > HTTP_HEAD_MAX)
				return bad(why, cap, head_too_long);
			if (ended)
				return bad(why, cap,
					   *size == 0
						   ? "closed without an answer"
						   : "closed within the header section");
			return HTTP_READ_MORE;
		}
		if (h->status >= 200 || h->status == 101)
			break;
		if (++h->interim > HTTP_INTERIM_MAX)
			return bad(why, cap, "interim answers without end");
		*size -= h->head_end;
		memmove(bytes, bytes + h->head_end, *size);
		h->head_begin = h->head_end = h->scanned = 0;
	}
	h->body_end = h->head_end;
	if (!frame(h, bytes + h->head_begin, h->head_end - h->head_begin, is_head, why,
		   cap))
		return HTTP_READ_BAD;
	return HTTP_READ_HEAD;
}

/* ---- the body ---- */

/* Takes n bytes at `at` as body: counted, kept in front where they are wanted. */
static void
take(struct http *h, char *bytes, size_t at, size_t n, bool keep)
{
	h->body_size += n;
	if (!keep || h->body_end - h->head_end >= HTTP_BODY_MAX)
		return;
	size_t room = HTTP_BODY_MAX - (h->body_end - h->head_end);
	if (n > room)
		n = room;
	memmove(bytes + h->body_end, bytes + at, n);
	h->body_end += n;
}

/* "1A3f;extension": false: no size. */
static bool
chunk_size(const char *line, size_t n, uint64_t *out)
{
	size_t i = 0;
	uint64_t v = 0;
	for (; i < n && i < 16; i++) {
		char c = lower(line[i]);
		if (c >= '0' && c <= '9')
			v = v << 4 | (uint64_t)(c - '0');
		else if (c >= 'a' && c <= 'f')
			v = v << 4 | (uint64_t)(c - 'a' + 10);
		else
			break;
	}
	*out = v;
	if (i == 0 || i == 16)
		return false;
	while (i < n && (line[i] == ' ' || line[i] == '\t'))
		i++;
	return i == n || line[i] == ';';
}

/* What is kept of the answer lies before this. */
static size_t
kept_end(const struct http *h)
{
	return h->body_end + h->trailer_kept;
}

#define CODING_LINE 1024 /* bytes of a line of the chunked coding */

/* A line of the chunked coding; false: it has not come, or *got is bad. */
static bool
coding_line(struct http *h, char *bytes, size_t size, size_t *at,
	    enum http_read *got, char *why, size_t cap)
{
	size_t length, next;
	*got = HTTP_READ_MORE;
	bool whole = line_at(bytes, size, *at, &length, &next);
	if ((whole ? next - 1 : size) - *at > CODING_LINE)
		*got = bad(why, cap, "a line of the chunked body does not end");
	if (!whole || *got == HTTP_READ_BAD)
		return false;
	char *line = bytes + *at;
	size_t taken = next - *at;
	*at = next;
	if (h->stage == HTTP_CHUNK_SIZE) {
		if (!chunk_size(line, length, &h->left)) {
			*got = bad(why, cap, "a chunk's size is no number");
			return false;
		}
		h->stage = h->left > 0 ? HTTP_CHUNK : HTTP_TRAILER;
	} else if (h->stage == HTTP_CHUNK_END) {
		if (length != 0) {
			*got = bad(why, cap, "a chunk is longer than its size");
			return false;
		}
		h->stage = HTTP_CHUNK_SIZE;
	} else {
		h->trailer += taken;
		if (length != 0 &&
		    (!field_line(line, length) || h->trailer > HTTP_HEAD_MAX)) {
			*got = bad(why, cap, "a trailer that is not well-formed");
			return false;
		}
		if (length == 0)
			h->stage = HTTP_DONE;
		else if (h->keep_trailer) {
			memmove(bytes + kept_end(h), line, taken);
			h->trailer_kept += taken;
		}
	}
	return true;
}

static bool
is_enough(const struct http *h)
{
	return h->stage == HTTP_DONE || (h->enough > 0 && h->body_size >= h->enough);
}

static enum http_read
read_body(struct http *h, char *bytes, size_t *size, bool ended, bool keep, char *why,
	  size_t cap)
{
	size_t at = kept_end(h); /* what was taken before lies in front of it */
	enum http_read got = HTTP_READ_MORE;
	while (at < *size && !is_enough(h)) {
		if (h->stage == HTTP_LENGTH || h->stage == HTTP_CLOSE ||
		    h->stage == HTTP_CHUNK) {
			size_t n = *size - at;
			if (h->stage != HTTP_CLOSE && n > h->left)
				n = (size_t)h->left;
			take(h, bytes, at, n, keep);
			at += n;
			if (h->stage != HTTP_CLOSE && (h->left -= n) == 0)
				h->stage = h->stage == HTTP_LENGTH ? HTTP_DONE
								   : HTTP_CHUNK_END;
		} else if (!coding_line(h, bytes, *size, &at, &got, why, cap)) {
			break;
		}
	}
	memmove(bytes + kept_end(h), bytes + at, *size - at);
	*size -= at - kept_end(h);
	if (got == HTTP_READ_BAD)
		return got;
	if (ended && h->stage == HTTP_CLOSE)
		h->stage = HTTP_DONE;
	if (is_enough(h))
		return HTTP_READ_DONE;
	if (ended) {
		text_print(why, cap, "closed within the body, after %llu bytes",
			   (unsigned long long)h->body_size);
		return HTTP_READ_BAD;
	}
	return HTTP_READ_MORE;
}

enum http_read
http_read(struct http *h, char *bytes, size_t *size, bool ended, bool is_head,
	  bool keep_body, char *why, size_t cap)
{
	if (h->stage == HTTP_HEAD)
		return read_head(h, bytes, size, ended, is_head, why, cap);
	return read_body(h, bytes, size, ended, keep_body, why, cap);
}
