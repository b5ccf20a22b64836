/* log: follows what is added to a file, over rotation and truncation, and looks for lines
 * that fit a regex. */
#include "probes/look.h"

#include "base/text.h"
#include "probes/match.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINE_BYTES 4096       /* of a line that are looked at */
#define CHUNK 16384           /* bytes that are read at once */
#define LOOK_BYTES (16 << 20) /* of a file in one look; the next one goes on */

struct log {
	struct match *match;
	bool begun; /* what is there at the first look is old */
	int fd;     /* the file that is read, -1: none */
	dev_t device;
	ino_t inode;
	off_t at; /* bytes of it that were read */
	uint64_t matches;
	uint64_t fresh;      /* of these, not told yet */
	char told[MSG_TEXT]; /* the last line that fitted */
	size_t size;         /* of the line that has not ended yet; may pass LINE_BYTES */
	char line[LINE_BYTES];
	char chunk[CHUNK];
};

void
log_free(struct log *l)
{
	if (l == NULL)
		return;
	if (l->fd != -1)
		close(l->fd);
	match_free(&l->match);
	free(l);
}

static struct log *
log_new(const char *regex)
{
	struct log *l = calloc(1, sizeof *l);
	if (l == NULL)
		return NULL;
	l->fd = -1;
	l->match = match_new(regex);
	if (l->match == NULL) {
		log_free(l);
		return NULL;
	}
	return l;
}

/* ---- lines ---- */

static void
end_line(struct log *l)
{
	size_t n = l->size < LINE_BYTES ? l->size : LINE_BYTES;
	l->size = 0;
	if (n > 0 && l->line[n - 1] == '\r')
		n--;
	if (!match_fits(l->match, l->line, n))
		return;
	l->matches++;
	l->fresh++;
	text_clean(l->told, sizeof l->told, l->line, n);
}

static void
feed(struct log *l, const char *bytes, size_t size)
{
	while (size > 0) {
		const char *end = memchr(bytes, '\n', size);
		size_t n = end != NULL ? (size_t)(end - bytes) : size;
		size_t room = l->size < LINE_BYTES ? LINE_BYTES - l->size : 0;
		memcpy(l->line + l->size, bytes, n < room ? n : room);
		l->size += n < room ? n : room;
		if (end == NULL)
			return;
		end_line(l);
		bytes += n + 1;
		size -= n + 1;
	}
}

/* ---- the file ---- */

/* False: there may be more. */
static bool
read_on(struct log *l, struct sight *s)
{
	for (size_t all = 0; all < LOOK_BYTES && !atomic_load(&s->work.hurry);) {
		ssize_t n = pread(l->fd, l->chunk, sizeof l->chunk, l->at);
		if (n <= 0)
			return true;
		feed(l, l->chunk, (size_t)n);
		l->at += n;
		all += (size_t)n;
	}
	return false;
}

static void
leave(struct log *l)
{
	if (l->fd != -1)
		close(l->fd);
	l->fd = -1;
	if (l->size > 0) /* nobody ends it any more */
		end_line(l);
}

/* Between rotation and the next line there is no file: no fault of anybody. */
static bool
fail(struct log *l, struct sight *s, int error)
{
	sight_failed(s, error);
	if (s->outcome == OUTCOME_BAD) {
		leave(l);
		l->begun = true;
		s->outcome = OUTCOME_UNKNOWN;
	}
	return false;
}

/* Opens what stands at the path now. */
static bool
enter(struct log *l, struct sight *s)
{
	struct stat st;
	int fd = s->fd != -1
			 ? fcntl(s->fd, F_DUPFD_CLOEXEC, 0)
			 : open(s->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd == -1 || fstat(fd, &st) != 0) {
		int error = errno;
		if (fd != -1)
			close(fd);
		return fail(l, s, error);
	}
	if (!S_ISREG(st.st_mode)) {
		close(fd);
		sight_says(s, OUTCOME_BAD, "it is no regular file");
		return false;
	}
	leave(l);
	l->fd = fd;
	l->device = st.st_dev;
	l->inode = st.st_ino;
	l->at = l->begun ? 0 : st.st_size;
	l->begun = true;
	return true;
}

/* Reads what was added; false: the outcome says why not. */
static bool
follow(struct log *l, struct sight *s)
{
	struct stat st;
	bool there = (s->fd != -1 ? fstat(s->fd, &st) : stat(s->path, &st)) == 0;
	int error = there ? 0 : errno;
	s->device = there ? st.st_dev : s->device;
	bool same =
		there && l->fd != -1 && st.st_dev == l->device && st.st_ino == l->inode;
	if (same && st.st_size < l->at) { /* cut: what is there now is new */
		l->at = 0;
		l->size = 0;
	}
	if (l->fd != -1 && !read_on(l, s))
		return true; /* the old file first */
	if (same)
		return true;
	if (!there)
		return fail(l, s, error);
	if (!enter(l, s))
		return false;
	read_on(l, s); /* what is left is for the next look */
	return true;
}

void
log_look(struct sight *s)
{
	if (s->log == NULL && (s->log = log_new(s->match)) == NULL) {
		sight_says(s, OUTCOME_UNKNOWN, "out of memory");
		return;
	}
	struct log *l = s->log;
	bool good = follow(l, s);
	s->value[METRIC_MATCHES] = (double)l->matches;
	if (s->denied || atomic_load(&s->work.hurry))
		return; /* nobody listens: what is fresh is told the next time */
	if (l->fresh > 1)
		sight_says(s, OUTCOME_BAD, "%llu lines, the last: %s",
			   (unsigned long long)l->fresh, l->told);
	else if (l->fresh == 1)
		sight_says(s, OUTCOME_BAD, "%s", l->told);
	else if (good)
		sight_says(s, OUTCOME_GOOD, "%s", "");
	l->fresh = 0;
}
