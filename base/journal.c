#include "base/journal.h"

#include "base/text.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAGIC "monitord journal 1"

#define BODY 9 /* where it begins in a slot: behind the checksum, and a TAB */

/* The body stands in its place: checksum, TAB, padding, newline. */
static void
seal(char slot[JOURNAL_SLOT], size_t length)
{
	uint32_t crc = text_crc32c(slot + BODY, length);
	for (int i = 8; i-- > 0; crc >>= 4)
		slot[i] = "0123456789abcdef"[crc & 15];
	slot[BODY - 1] = '\t';
	memset(slot + BODY + length, ' ', JOURNAL_SLOT - 1 - BODY - length);
	slot[JOURNAL_SLOT - 1] = '\n';
}

/* The body's length without its padding, 0: the checksum does not hold. body: JOURNAL_SLOT. */
static size_t
unseal(const char slot[JOURNAL_SLOT], char *body)
{
	char crc[9] = "", *end;
	memcpy(crc, slot, 8);
	unsigned long want = strtoul(crc, &end, 16);
	if (end != crc + 8 || slot[8] != '\t' || slot[JOURNAL_SLOT - 1] != '\n')
		return 0;
	size_t length = JOURNAL_SLOT - 10;
	while (length > 0 && slot[9 + length - 1] == ' ')
		length--;
	if (length == 0 || text_crc32c(slot + 9, length) != want)
		return 0;
	memcpy(body, slot + 9, length);
	body[length] = '\0';
	return length;
}

/* A cleaned field, "-" for an empty one; trailing blanks would vanish in the padding. */
static void
add_field(struct text *t, const char *value, size_t cap)
{
	text_put(t, "\t");
	char *clean = t->bytes + t->length;
	size_t room = t->cap - t->length;
	size_t n = text_clean(clean, cap < room ? cap : room, value, strnlen(value, cap));
	while (n > 0 && clean[n - 1] == ' ')
		clean[--n] = '\0';
	t->length += n;
	if (n == 0)
		text_put(t, "-");
}

void
journal_encode(const struct journal_line *l, char slot[JOURNAL_SLOT])
{
	struct text t;
	text_begin(&t, slot + BODY, JOURNAL_SLOT - BODY);
	text_put_number(&t, l->id);
	text_put(&t, "\t");
	text_put_number(&t, l->real_ms > 0 ? (uint64_t)l->real_ms : 0);
	add_field(&t, l->kind, sizeof l->kind);
	add_field(&t, l->object_kind, sizeof l->object_kind);
	add_field(&t, l->object, sizeof l->object);
	add_field(&t, l->rule, sizeof l->rule);
	text_put(&t, "\t");
	text_put_number(&t, l->cause);
	text_put(&t, "\t");
	text_put_number(&t, l->incident);
	add_field(&t, l->to, sizeof l->to);
	/* the text is what gives way where there is no room */
	add_field(&t, l->text, sizeof l->text);
	seal(slot, t.length);
}

/* Takes the next field off *rest; NULL: none left. */
static char *
field(char **rest)
{
	char *f = strsep(rest, "\t");
	return f;
}

static bool
number(char **rest, uint64_t *out)
{
	char *f = field(rest), *end;
	if (f == NULL || *f < '0' || *f > '9')
		return false;
	errno = 0;
	*out = strtoull(f, &end, 10);
	return *end == '\0' && errno == 0;
}

static bool
word(char **rest, char *out, size_t cap)
{
	char *f = field(rest);
	if (f == NULL)
		return false;
	text_clean(out, cap, f, strcmp(f, "-") == 0 ? 0 : strlen(f));
	return true;
}

bool
journal_decode(const char slot[JOURNAL_SLOT], struct journal_line *l)
{
	char body[JOURNAL_SLOT], *rest = body;
	uint64_t ms;
	memset(l, 0, sizeof *l);
	if (unseal(slot, body) == 0)
		return false;
	if (!number(&rest, &l->id) || l->id == 0 || !number(&rest, &ms) || ms > INT64_MAX)
		return false;
	l->real_ms = (int64_t)ms;
	return word(&rest, l->kind, sizeof l->kind) &&
	       word(&rest, l->object_kind, sizeof l->object_kind) &&
	       word(&rest, l->object, sizeof l->object) &&
	       word(&rest, l->rule, sizeof l->rule) && number(&rest, &l->cause) &&
	       number(&rest, &l->incident) && word(&rest, l->to, sizeof l->to) &&
	       word(&rest, l->text, sizeof l->text) && rest == NULL;
}

void
journal_header(char slot[JOURNAL_SLOT], const struct journal_head *head)
{
	struct text t;
	text_begin(&t, slot + BODY, JOURNAL_SLOT - BODY);
	text_add(&t, MAGIC "\t%" PRIu64 "\t%.64s\t%" PRIu64, head->slots, head->boot_id,
		 head->first);
	seal(slot, t.length);
}

bool
journal_header_read(const char slot[JOURNAL_SLOT], struct journal_head *head)
{
	char body[JOURNAL_SLOT], *rest = body;
	*head = (struct journal_head){ .first = 1 };
	if (unseal(slot, body) == 0)
		return false;
	char *magic = field(&rest);
	if (magic == NULL || strcmp(magic, MAGIC) != 0 || !number(&rest, &head->slots) ||
	    !word(&rest, head->boot_id, sizeof head->boot_id))
		return false;
	return rest == NULL || (number(&rest, &head->first) && head->first > 0);
}

bool
journal_reader_open(struct journal_reader *r, int fd, uint64_t cursor)
{
	char slot[JOURNAL_SLOT];
	struct journal_head head;
	*r = (struct journal_reader){ .fd = fd, .cursor = cursor };
	if (pread(fd, slot, sizeof slot, 0) != (ssize_t)sizeof slot ||
	    !journal_header_read(slot, &head))
		return false;
	r->slots = head.slots;
	r->first = head.first;
	return r->slots > 0 && r->slots < UINT32_MAX;
}

enum journal_got
journal_next(struct journal_reader *r, uint64_t last_id, struct journal_line *line)
{
	if (r->cursor < r->first - 1 && r->first - 1 <= last_id)
		r->cursor = r->first - 1;
	while (r->cursor < last_id) {
		uint64_t id = r->cursor + 1;
		if (last_id - id >= r->slots) { /* overwritten for certain */
			uint64_t oldest = last_id - r->slots + 1;
			r->lost += oldest - id;
			id = oldest;
		}
		char slot[JOURNAL_SLOT];
		off_t at = (off_t)((1 + id % r->slots) * JOURNAL_SLOT);
		bool whole =
			pread(r->fd, slot, sizeof slot, at) == (ssize_t)sizeof slot &&
			journal_decode(slot, line);
		r->cursor = id;
		if (whole && line->id == id)
			return JOURNAL_LINE;
		r->lost++;
	}
	return JOURNAL_EMPTY;
}
