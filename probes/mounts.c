#include "probes/mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MOUNTS_ROOM ((size_t)65536) /* bytes, to begin with */
#define MOUNTS_MOST ((size_t)64 << 20)

struct mounts {
	int fd;    /* -1: it cannot be opened */
	bool read; /* text is of now, unless the kernel says other */
	char *text;
	size_t cap;
};

struct mounts *
mounts_new(void)
{
	struct mounts *m = calloc(1, sizeof *m);
	if (m != NULL)
		m->fd = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
	return m;
}

/* ---- the text ---- */

/* How much of the path the mount point at `at` is: "\040" in it is a blank. 0: none. */
static size_t
covers(const char *at, const char *path)
{
	size_t n = 0;
	for (; *at != ' ' && *at != '\0'; n++) {
		char c = *at++;
		if (c == '\\' && at[0] >= '0' && at[0] <= '3' && at[1] >= '0' &&
		    at[1] <= '7' && at[2] >= '0' && at[2] <= '7') {
			c = (char)((at[0] - '0') << 6 | (at[1] - '0') << 3 |
				   (at[2] - '0'));
			at += 3;
		}
		if (path[n] != c)
			return 0;
	}
	return n == 1 || path[n] == '/' || path[n] == '\0' ? n : 0;
}

/* Lines of "36 35 98:0 /root /point options …", of which the later lie on the earlier. */
uint64_t
mounts_find(const char *text, const char *path)
{
	uint64_t best = 0;
	size_t most = 0;
	for (const char *line = text; *line != '\0';) {
		const char *end = strchrnul(line, '\n'), *at = line;
		for (unsigned field = 0; field < 4 && at != NULL; field++) {
			at = memchr(at, ' ', (size_t)(end - at));
			at = at != NULL ? at + 1 : NULL;
		}
		size_t n = at != NULL ? covers(at, path) : 0;
		if (n > 0 && n >= most) {
			most = n;
			best = strtoull(line, NULL, 10);
		}
		line = *end == '\n' ? end + 1 : end;
	}
	return best;
}

/* ---- the kernel's ---- */

static bool
make_room(struct mounts *m, size_t used)
{
	size_t cap = m->cap == 0 ? MOUNTS_ROOM : 2 * m->cap;
	if (m->cap > used + 1)
		return true;
	char *text = cap <= MOUNTS_MOST ? realloc(m->text, cap) : NULL;
	if (text == NULL)
		return false;
	m->text = text;
	m->cap = cap;
	return true;
}

static bool
read_all(struct mounts *m)
{
	size_t used = 0;
	ssize_t n = lseek(m->fd, 0, SEEK_SET);
	while (n == 0 && make_room(m, used)) {
		do
			n = read(m->fd, m->text + used, m->cap - used - 1);
		while (n == -1 && errno == EINTR);
		if (n == 0) {
			m->text[used] = '\0';
			return true;
		}
		used += n > 0 ? (size_t)n : 0;
		n = n > 0 ? 0 : n;
	}
	return false;
}

uint64_t
mounts_of(struct mounts *m, const char *path)
{
	struct pollfd p = { .fd = m->fd, .events = POLLPRI };
	bool changed = poll(&p, 1, 0) == 1; /* something was mounted, or is no more */
	if (m->fd != -1 && (changed || !m->read))
		m->read = read_all(m);
	return m->read ? mounts_find(m->text, path) : 0;
}
