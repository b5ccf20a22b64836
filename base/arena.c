#include "base/arena.h"

#include <string.h>
#include <sys/mman.h>

#define CHUNK ((size_t)256 * 1024)
#define ALIGN ((size_t)16)
#define TEXTS ((size_t)4096) /* small texts stand side by side in pieces of this size */
#define TEXT_SMALL ((size_t)256)

struct chunk {
	struct chunk *next;
	size_t size, used; /* of the mapping, header included */
};

struct arena {
	struct chunk *chunks; /* the newest first */
	size_t used;
	char *text; /* where the next small text goes, and how much room there is */
	size_t text_room;
	int private_to_parent;
};

static struct chunk *
chunk_new(size_t size, int private_to_parent)
{
	struct chunk *c = mmap(NULL, size, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (c == MAP_FAILED)
		return NULL;
	if (private_to_parent)
		madvise(c, size, MADV_DONTFORK);
	c->size = size;
	c->used = (sizeof *c + ALIGN - 1) / ALIGN * ALIGN;
	return c;
}

struct arena *
arena_new(int private_to_parent)
{
	struct chunk *c = chunk_new(CHUNK, private_to_parent);
	if (c == NULL)
		return NULL;
	struct arena *a = (struct arena *)((char *)c + c->used);
	c->used += (sizeof *a + ALIGN - 1) / ALIGN * ALIGN;
	a->chunks = c;
	a->private_to_parent = private_to_parent;
	return a;
}

void
arena_free(struct arena **ap)
{
	struct chunk *c = *ap != NULL ? (*ap)->chunks : NULL;
	*ap = NULL;
	while (c != NULL) { /* the chunk that holds the arena itself is the last */
		struct chunk *next = c->next;
		munmap(c, c->size);
		c = next;
	}
}

void *
arena_get(struct arena *a, size_t size)
{
	if (size > SIZE_MAX / 2)
		return NULL;
	size = (size + ALIGN - 1) / ALIGN * ALIGN;
	if (a->chunks->size - a->chunks->used < size) {
		size_t want = size + sizeof(struct chunk) + ALIGN;
		struct chunk *c =
			chunk_new(want > CHUNK ? (want + 4095) / 4096 * 4096 : CHUNK,
				  a->private_to_parent);
		if (c == NULL)
			return NULL;
		c->next = a->chunks;
		a->chunks = c;
	}
	void *p = (char *)a->chunks + a->chunks->used;
	a->chunks->used += size;
	a->used += size;
	return p;
}

char *
arena_text(struct arena *a, const char *text, size_t length)
{
	char *p = NULL;
	if (length < TEXT_SMALL && a->text_room <= length) {
		a->text = arena_get(a, TEXTS);
		a->text_room = a->text != NULL ? TEXTS : 0;
	}
	if (length >= TEXT_SMALL) {
		p = arena_get(a, length + 1);
	} else if (a->text != NULL) {
		p = a->text;
		a->text += length + 1;
		a->text_room -= length + 1;
	}
	if (p != NULL) {
		memcpy(p, text, length);
		p[length] = '\0';
	}
	return p;
}

size_t
arena_used(const struct arena *a)
{
	return a->used;
}
