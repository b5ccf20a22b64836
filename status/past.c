/* Incidents out of the archive, with those that are remembered. */
#include "status/recorder.h"

#include "status/json.h"

#include <stdlib.h>
#include <string.h>

#define PAST_MOST 1000 /* the newest */

struct found {
	uint64_t id;
	char *json;
	size_t size;
};

struct past {
	struct found *list;
	size_t count, cap;
	bool failed; /* out of memory */
};

/* The place of that id, a new one where there is none; NULL: out of memory. */
static struct found *
place(struct past *p, uint64_t id)
{
	for (size_t i = 0; i < p->count; i++)
		if (p->list[i].id == id)
			return &p->list[i];
	if (p->count == p->cap) {
		size_t cap = p->cap + 256;
		struct found *more = realloc(p->list, cap * sizeof *more);
		if (more == NULL)
			return NULL;
		p->list = more;
		p->cap = cap;
	}
	p->list[p->count] = (struct found){ .id = id };
	return &p->list[p->count++];
}

static void
take(void *arg, uint64_t id, const char *json, size_t size)
{
	struct past *p = arg;
	struct found *f = place(p, id);
	char *copy = f != NULL ? malloc(size) : NULL;
	p->failed = p->failed || copy == NULL;
	if (copy == NULL)
		return;
	free(f->json);
	f->json = memcpy(copy, json, size);
	f->size = size;
}

/* What is remembered as a whole is newer than what was written. */
static void
take_known(struct past *p, const struct batch *known)
{
	struct block_head head;
	for (size_t at = 0; at < known->size; at += head.size) {
		memcpy(&head, known->bytes + at, sizeof head);
		size_t skip = sizeof head + sizeof(struct incident_times);
		const struct found *f = place(p, (uint64_t)head.span);
		if (f != NULL && (f->json == NULL || !head.merge))
			take(p, (uint64_t)head.span,
			     (const char *)known->bytes + at + skip, head.size - skip);
	}
}

static int
by_id(const void *a, const void *b)
{
	const struct found *x = a, *y = b;
	return x->id < y->id ? -1 : x->id > y->id;
}

static void
write_list(const struct past *p, struct json *j)
{
	json_open(j, '[');
	for (size_t i = p->count > PAST_MOST ? p->count - PAST_MOST : 0; i < p->count;
	     i++)
		json_kept(j, p->list[i].json, p->list[i].size, &(struct json_hole){ 0 });
	json_close(j, ']');
	json_raw(j, "\n", 1);
}

void
past_answer(struct archive *a, struct ask *ask)
{
	struct past p = { 0 };
	struct json j;
	if (ask->incident != 0)
		archive_incident(a, ask->incident, take, &p);
	else
		archive_incidents(a, ask->since_s * 1000, (ask->until_s + 1) * 1000,
				  PAST_MOST, take, &p);
	take_known(&p, &ask->known);
	ask->missing = ask->incident != 0 && p.count == 0;
	json_begin(&j);
	if (ask->incident == 0) {
		if (p.count > 0)
			qsort(p.list, p.count, sizeof *p.list, by_id);
		if (!p.failed)
			write_list(&p, &j);
	} else if (p.count > 0 && !p.failed) {
		json_raw(&j, p.list[0].json, p.list[0].size);
		json_raw(&j, "\n", 1);
	}
	ask->answer = json_end(&j, &ask->answer_size);
	if (p.failed) {
		free(ask->answer);
		ask->answer = NULL;
	}
	for (size_t i = 0; i < p.count; i++)
		free(p.list[i].json);
	free(p.list);
}
