#include "monitord/journal.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SIZE ((size_t)(JOURNAL_SLOTS + 1) * JOURNAL_SLOT)

#define PORTION 16u /* slots read at a time */

static off_t
place_of(uint64_t id)
{
	return (off_t)((1 + id % JOURNAL_SLOTS) * JOURNAL_SLOT);
}

/* Calls slot() for all that can be read, in the order of the file, from slot `first` on. */
static void
read_slots(const struct journal *j, uint64_t first,
	   void (*slot)(void *arg, uint64_t number, const char *bytes), void *arg)
{
	static char bytes[PORTION * JOURNAL_SLOT];
	for (uint64_t s = 0; s < JOURNAL_SLOTS;) {
		uint64_t number = (first + s) % JOURNAL_SLOTS, count = JOURNAL_SLOTS - s;
		if (count > PORTION)
			count = PORTION;
		if (count > JOURNAL_SLOTS - number)
			count = JOURNAL_SLOTS - number;
		ssize_t n = pread(j->own, bytes, count * JOURNAL_SLOT, place_of(number));
		for (uint64_t i = 0; n > 0 && i < (uint64_t)n / JOURNAL_SLOT; i++)
			slot(arg, number + i, bytes + i * JOURNAL_SLOT);
		s += count;
	}
}

/* The newest id: the largest of all slots. */
static void
find_last(void *arg, uint64_t number, const char *bytes)
{
	struct journal *j = arg;
	struct journal_line line;
	if (bytes[0] != '\0' && journal_decode(bytes, &line) && line.id > j->last_id &&
	    line.id % JOURNAL_SLOTS == number)
		j->last_id = line.id;
}

static bool
same_slots(const struct journal_head *a, const struct journal_head *b)
{
	return a->slots == b->slots && strcmp(a->boot_id, b->boot_id) == 0;
}

/* What the ring holds, and which of the two headers it has now. */
static int
begin(struct journal *j, uint64_t kept)
{
	char slot[JOURNAL_SLOT];
	struct journal_head found, head = { .slots = JOURNAL_SLOTS, .first = 1 };
	text_print(head.boot_id, sizeof head.boot_id, "%s", clock_boot_id());
	if (pread(j->own, slot, sizeof slot, 0) != (ssize_t)sizeof slot)
		return errno != 0 ? errno : EIO;
	bool read = journal_header_read(slot, &found);
	j->same_boot = read && same_slots(&found, &head);
	if (read)
		head.first = found.first;
	read_slots(j, 0, find_last, j);
	bool jumps = kept > j->last_id &&
		     (j->last_id == 0 || kept - j->last_id > JOURNAL_AHEAD);
	if (jumps)
		head.first = (j->last_id = kept) + 1;
	if (j->same_boot && !jumps)
		return 0;
	journal_header(slot, &head);
	if (pwrite(j->own, slot, sizeof slot, 0) != (ssize_t)sizeof slot)
		return errno != 0 ? errno : EIO;
	return 0;
}

bool
journal_open(struct journal *j, const char *run_dir, uint64_t kept, char why[MSG_TEXT])
{
	char path[PATH_MAX];
	text_print(path, sizeof path, "%s/journal", run_dir);
	*j = (struct journal){ .fd = -1, .own = -1 };
	j->own = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	/* allocated now: a full disk must not be met at the first event */
	int error = j->own == -1 ? errno : posix_fallocate(j->own, 0, SIZE);
	if (error == 0 && (j->fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)) == -1)
		error = errno;
	if (error == 0)
		error = begin(j, kept);
	if (error != 0)
		text_print(why, MSG_TEXT, "journal %s: %s", path, text_file_error(error));
	return error == 0;
}

void
journal_close(struct journal *j)
{
	int fds[2] = { j->fd, j->own };
	journal_flush(j);
	for (int i = 0; i < 2; i++)
		if (fds[i] != -1)
			close(fds[i]);
	j->fd = j->own = -1;
}

void
journal_flush(struct journal *j)
{
	size_t size = j->waiting * JOURNAL_SLOT;
	if (size == 0)
		return;
	off_t at = place_of(j->last_id) - (off_t)(size - JOURNAL_SLOT);
	bool good = pwrite(j->own, j->gathered, size, at) == (ssize_t)size;
	if (!good && !j->failed)
		log_error("the journal cannot be written: %s", strerror(errno));
	j->failed = !good;
	j->waiting = 0;
}

void
journal_add(struct journal *j, const struct journal_line *line)
{
	/* one write needs slots that lie side by side */
	if (j->waiting == JOURNAL_GATHERED || line->id != j->last_id + 1 ||
	    line->id % JOURNAL_SLOTS == 0)
		journal_flush(j);
	journal_encode(line, j->gathered + j->waiting++ * JOURNAL_SLOT);
	j->last_id = line->id;
}

struct replay {
	const struct journal *journal;
	uint64_t first; /* the oldest id */
	void (*line)(void *arg, const struct journal_line *l);
	void *arg;
};

static void
replay_slot(void *arg, uint64_t number, const char *bytes)
{
	struct replay *r = arg;
	struct journal_line line;
	uint64_t due = r->first + (number + JOURNAL_SLOTS - r->first % JOURNAL_SLOTS) %
					  JOURNAL_SLOTS;
	if (due <= r->journal->last_id && journal_decode(bytes, &line) && line.id == due)
		r->line(r->arg, &line);
}

void
journal_replay(const struct journal *j, void (*fn)(void *arg, const struct journal_line *l), void *arg)
{
	uint64_t id = j->last_id > JOURNAL_SLOTS ? j->last_id - JOURNAL_SLOTS + 1 : 1;
	struct replay r = { .journal = j, .first = id, .line = fn, .arg = arg };
	read_slots(j, id % JOURNAL_SLOTS, replay_slot, &r);
}
