#include "status/framing.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct framing {
	unsigned hosts, lengths, codings;
	bool chunked; /* the coding is that */
	bool garbled; /* a name or value that others may read otherwise */
	bool large;
	size_t body_max;
};

static bool
is(const char *name, size_t size, const char *word)
{
	return size == strlen(word) && strncasecmp(name, word, size) == 0;
}

static enum MHD_Result
look(void *arg, enum MHD_ValueKind kind, const char *name, size_t name_size, const char *value,
     size_t size)
{
	struct framing *f = arg;
	(void)kind;
	if (value == NULL)
		value = "";
	f->garbled = f->garbled || strcspn(name, " \t") < name_size ||
		     strlen(name) < name_size || strlen(value) < size;
	if (is(name, name_size, "Host"))
		f->hosts++;
	if (is(name, name_size, "Content-Length")) {
		f->lengths++;
		f->large = f->large || strtoull(value, NULL, 10) > f->body_max;
	}
	if (is(name, name_size, "Transfer-Encoding")) {
		f->codings++;
		f->chunked = strcasecmp(value, "chunked") == 0;
	}
	return MHD_YES;
}

const char *
framing_fault(struct MHD_Connection *connection, size_t body_max, unsigned *code)
{
	struct framing f = { .body_max = body_max };
	MHD_get_connection_values_n(connection, MHD_HEADER_KIND, look, &f);
	*code = 400;
	if (f.garbled)
		return "a header that is none";
	if (f.hosts > 1)
		return "more than one Host";
	if (f.lengths > 1)
		return "more than one Content-Length";
	if (f.codings > 1 || (f.codings == 1 && f.lengths == 1))
		return "more than one length: Content-Length or Transfer-Encoding";
	*code = 501;
	if (f.codings == 1 && !f.chunked)
		return "no Transfer-Encoding is known here but chunked";
	*code = 413;
	return f.large ? "the body is larger than 64 KiB" : NULL;
}
