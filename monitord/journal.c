#include "monitord/journal.h"

#include "base/clock.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define SIZE ((size_t)(JOURNAL_SLOTS + 1) * JOURNAL_SLOT)

static char *
slot_of(const struct journal *j, uint64_t id)
{
	return j->map + (1 + id % JOURNAL_SLOTS) * JOURNAL_SLOT;
}

/* The newest id: the largest of all slots. */
static void
find_last(struct journal *j)
{
	struct journal_line line;
	for (uint64_t s = 0; s < JOURNAL_SLOTS; s++)
		if (journal_decode(j->map + (1 + s) * JOURNAL_SLOT, &line) && line.id > j->last_id &&
		    line.id % JOURNAL_SLOTS == s)
			j->last_id = line.id;
}

bool
journal_open(struct journal *j, const char *run_dir, char why[MSG_TEXT])
{
	char path[PATH_MAX], header[JOURNAL_SLOT];
	text_print(path, sizeof path, "%s/journal", run_dir);
	*j = (struct journal){ .fd = -1 };
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	/* allocated now: a full disk must not be met at the first event */
	int error = fd == -1 ? errno : posix_fallocate(fd, 0, SIZE);
	if (error == 0) {
		j->map = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		error = j->map == MAP_FAILED ? errno : 0;
	}
	if (error == 0 && (j->fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)) == -1)
		error = errno;
	if (fd != -1)
		close(fd);
	if (error != 0) {
		text_print(why, MSG_TEXT, "journal %s: %s", path, strerror(error));
		return false;
	}
	journal_header(header, JOURNAL_SLOTS, clock_boot_id());
	j->same_boot = memcmp(header, j->map, JOURNAL_SLOT) == 0;
	if (!j->same_boot)
		memcpy(j->map, header, JOURNAL_SLOT);
	find_last(j);
	return true;
}

void
journal_close(struct journal *j)
{
	if (j->map != NULL && j->map != MAP_FAILED)
		munmap(j->map, SIZE);
	if (j->fd != -1)
		close(j->fd);
	j->fd = -1;
}

void
journal_write(struct journal *j, const struct journal_line *line)
{
	char slot[JOURNAL_SLOT];
	journal_encode(line, slot);
	memcpy(slot_of(j, line->id), slot, sizeof slot);
	j->last_id = line->id;
}

void
journal_replay(const struct journal *j, void (*fn)(void *arg, const struct journal_line *l), void *arg)
{
	uint64_t id = j->last_id > JOURNAL_SLOTS ? j->last_id - JOURNAL_SLOTS + 1 : 1;
	struct journal_line line;
	for (; id <= j->last_id; id++)
		if (journal_decode(slot_of(j, id), &line) && line.id == id)
			fn(arg, &line);
}
