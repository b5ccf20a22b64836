/* file, directory, fifo: is it there, of that type, and how does it look. */
#include "probes/look.h"

#include "base/clock.h"
#include "base/text.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEPTH_MAX 64 /* directories within directories */

struct below { /* what was seen below a directory */
	struct sight *sight;
	dev_t device;
	double entries, bytes;
	int64_t oldest_ms, newest_ms; /* since 1970; of files */
	int error;                    /* errno of a directory that could not be read */
};

static int64_t
ms_of(const struct timespec *t)
{
	return (int64_t)t->tv_sec * 1000 + t->tv_nsec / 1000000;
}

/* How long ago; a time to come counts as now. */
static double
since(int64_t ms)
{
	int64_t now = clock_real_ms();
	return now > ms ? (double)(now - ms) : 0;
}

/* 0644 as 644: what people write and read. */
static double
octal_digits(mode_t mode)
{
	unsigned digits = 0, place = 1;
	for (mode &= 07777; mode != 0; mode >>= 3, place *= 10)
		digits += (mode & 7) * place;
	return digits;
}

static const char *
type_name(mode_t mode)
{
	static const struct {
		mode_t type;
		const char *name;
	} names[] = {
		{ S_IFREG, "a file" },
		{ S_IFDIR, "a directory" },
		{ S_IFIFO, "a fifo" },
		{ S_IFSOCK, "a socket" },
		{ S_IFCHR, "a character device" },
		{ S_IFBLK, "a block device" },
	};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if ((mode & S_IFMT) == names[i].type)
			return names[i].name;
	return "something else";
}

static void
take(struct sight *s, const struct stat *st)
{
	s->value[METRIC_MODE] = octal_digits(st->st_mode);
	s->value[METRIC_UID] = st->st_uid;
	s->value[METRIC_GID] = st->st_gid;
	s->value[METRIC_MTIME] = since(ms_of(&st->st_mtim));
	s->value[METRIC_CTIME] = since(ms_of(&st->st_ctim));
	s->value[METRIC_ATIME] = since(ms_of(&st->st_atim));
	if (S_ISREG(st->st_mode))
		s->value[METRIC_SIZE] = (double)st->st_size;
}

static void count(struct below *b, int fd, unsigned depth);

static void
count_entry(struct below *b, int dir, const char *name, unsigned depth)
{
	struct stat st;
	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) != 0) {
		if (errno != ENOENT && b->error == 0) /* else it went away meanwhile */
			b->error = errno;
		return;
	}
	b->entries++;
	if (S_ISREG(st.st_mode)) {
		int64_t ms = ms_of(&st.st_mtim);
		b->bytes += (double)st.st_size;
		if (ms < b->oldest_ms)
			b->oldest_ms = ms;
		if (ms > b->newest_ms)
			b->newest_ms = ms;
	} else if (S_ISDIR(st.st_mode) && st.st_dev == b->device && depth < DEPTH_MAX) {
		int fd = openat(dir, name,
				O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fd != -1)
			count(b, fd, depth + 1);
		else if (errno != ENOENT && b->error == 0)
			b->error = errno;
	}
}

/* Takes fd. Other file systems and symbolic links are not entered. */
static void
count(struct below *b, int fd, unsigned depth)
{
	DIR *dir = fdopendir(fd);
	if (dir == NULL) {
		b->error = errno;
		close(fd);
		return;
	}
	for (struct dirent *d;
	     (d = readdir(dir)) != NULL && !atomic_load(&b->sight->work.hurry);)
		if (strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0)
			count_entry(b, dirfd(dir), d->d_name, depth);
	closedir(dir);
}

static bool
look_below(struct sight *s, dev_t device)
{
	struct below b = { .sight = s, .device = device, .oldest_ms = INT64_MAX };
	/* a descriptor of its own: what monitord lent may be used but once */
	int fd = s->fd != -1 ? openat(s->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
			     : open(s->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1 && s->fd != -1 && errno == EACCES)
		fd = fcntl(s->fd, F_DUPFD_CLOEXEC, 0);
	if (fd == -1) {
		sight_failed(s, errno);
		return false;
	}
	count(&b, fd, 0);
	if (b.error != 0) {
		sight_says(s, OUTCOME_UNKNOWN, "below it: %s", strerror(b.error));
		return false;
	}
	s->value[METRIC_ENTRIES] = b.entries;
	s->value[METRIC_SIZE] = b.bytes;
	if (b.oldest_ms != INT64_MAX) {
		s->value[METRIC_OLDEST] = since(b.oldest_ms);
		s->value[METRIC_NEWEST] = since(b.newest_ms);
	}
	return true;
}

/* What stands in the file, of 64 KiB at a time. False: why is said. */
static bool
hash(struct sight *s, int fd)
{
	static const char digits[] = "0123456789abcdef";
	unsigned char bytes[65536], digest[EVP_MAX_MD_SIZE];
	unsigned size = 0;
	ssize_t n = 0;
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	bool good = c != NULL && EVP_DigestInit_ex(c, EVP_sha256(), NULL) == 1;
	while (good && !atomic_load(&s->work.hurry) &&
	       (n = read(fd, bytes, sizeof bytes)) > 0)
		good = EVP_DigestUpdate(c, bytes, (size_t)n) == 1;
	good = good && n == 0 && EVP_DigestFinal_ex(c, digest, &size) == 1;
	EVP_MD_CTX_free(c);
	if (!good) {
		sight_says(s, OUTCOME_UNKNOWN, "its content could not be read: %s",
			   n < 0 ? strerror(errno) : "it was not done in time");
		return false;
	}
	for (unsigned i = 0; i < 32; i++) {
		s->sha256[2 * i] = digits[digest[i] >> 4];
		s->sha256[2 * i + 1] = digits[digest[i] & 15];
	}
	s->sha256[64] = '\0';
	return true;
}

/* Read once, and again when the file says that it has changed. */
static bool
look_at_content(struct sight *s, const struct stat *st)
{
	const uint64_t now[5] = {
		st->st_dev, st->st_ino, (uint64_t)st->st_size,
		(uint64_t)(st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec),
		(uint64_t)(st->st_ctim.tv_sec * 1000000000 + st->st_ctim.tv_nsec)
	};
	if (s->sha256[0] == '\0' || memcmp(now, s->hashed, sizeof now) != 0) {
		s->sha256[0] = '\0';
		int fd = s->fd != -1 ? s->fd
				     : open(s->path,
					    O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
		if (fd == -1) {
			sight_failed(s, errno);
			return false;
		}
		bool good = hash(s, fd);
		if (fd != s->fd)
			close(fd);
		if (!good)
			return false;
		memcpy(s->hashed, now, sizeof now);
	}
	char begin[13] = "";
	memcpy(begin, s->sha256, 12);
	s->value[METRIC_CHECKSUM] = (double)strtoull(begin, NULL, 16);
	return true;
}

/* Where the link at the path leads, as it stands in it. False: why is said. */
static bool
look_at_target(struct sight *s)
{
	ssize_t n = readlink(s->path, s->target, SIGHT_TARGET - 1);
	s->target[n > 0 ? n : 0] = '\0';
	if (n >= 0 || errno == EINVAL) /* it is no link */
		return true;
	sight_failed(s, errno);
	s->denied = false; /* what monitord would open is behind the link */
	return false;
}

void
file_look(struct sight *s)
{
	static const mode_t types[CHECK_KINDS] = { [CHECK_FILE] = S_IFREG,
						   [CHECK_DIRECTORY] = S_IFDIR,
						   [CHECK_FIFO] = S_IFIFO };
	const bool *wanted = s->wanted;
	struct stat st;
	if (s->target != NULL && !look_at_target(s))
		return;
	if ((s->fd != -1 ? fstat(s->fd, &st) : stat(s->path, &st)) != 0) {
		sight_failed(s, errno);
		return;
	}
	take(s, &st);
	s->device = st.st_dev;
	if ((st.st_mode & S_IFMT) != types[s->kind]) {
		sight_says(s, OUTCOME_BAD, "it is %s, not %s", type_name(st.st_mode),
			   type_name(types[s->kind]));
		return;
	}
	if (S_ISDIR(st.st_mode) &&
	    (wanted[METRIC_ENTRIES] || wanted[METRIC_SIZE] || wanted[METRIC_OLDEST] ||
	     wanted[METRIC_NEWEST]) &&
	    !look_below(s, st.st_dev))
		return;
	if (S_ISREG(st.st_mode) && wanted[METRIC_CHECKSUM] && !look_at_content(s, &st))
		return;
	sight_says(s, OUTCOME_GOOD, "%s", "");
}
