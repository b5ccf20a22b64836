/* The record's files: record-SECONDS, a new one each quarter of a day. A thread writes
 * them, so that no disk delays an answer; blocks come to it through a pipe, and one that
 * finds no room is lost. */
#include "status/record.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define PREFIX "record-"
#define FILE_S 21600
#define PIPE_BYTES (1 << 20)
#define PIPE_SPARE (sizeof(struct record_head) + 16384) /* so much of it no block gets */
#define RECORD_LIMIT_PARTS 8 /* of the limit: no block is larger than one */

struct record_files {
	int folder, in, out; /* of the pipe */
	int64_t keep_s;
	uint64_t limit;
	pthread_t thread;
	bool told; /* that blocks are lost */
	bool shorter; /* it was told that the size is reached before the time */
};

static bool
number_of(const char *name, int64_t *out_s)
{
	char *end;
	size_t n = strlen(PREFIX);
	if (strncmp(name, PREFIX, n) != 0 || name[n] < '0' || name[n] > '9')
		return false;
	*out_s = strtoll(name + n, &end, 10);
	return *end == '\0' && *out_s > 0;
}

static int
by_number(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;
	return (*x > *y) - (*x < *y);
}

/* Oldest first; to be freed. */
static int64_t *
list_files(int folder, size_t *count)
{
	int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd != -1 ? fdopendir(fd) : NULL;
	int64_t *list = NULL, s;
	size_t cap = 0;
	struct dirent *e;
	*count = 0;
	if (d == NULL && fd != -1)
		close(fd);
	while (d != NULL && (e = readdir(d)) != NULL) {
		if (!number_of(e->d_name, &s))
			continue;
		if (*count == cap) {
			cap = cap == 0 ? 64 : 2 * cap;
			int64_t *more = reallocarray(list, cap, sizeof *list);
			if (more == NULL)
				break;
			list = more;
		}
		list[(*count)++] = s;
	}
	if (d != NULL)
		closedir(d);
	if (*count > 0)
		qsort(list, *count, sizeof *list, by_number);
	return list;
}

static void
name_file(int64_t s, char out[40])
{
	text_print(out, 40, PREFIX "%lld", (long long)s);
}

/* ---- in the thread ---- */

/* Once: the space is for less than was asked for. */
static void
tell_shorter(struct record_files *f, int64_t held_s)
{
	char held[32], asked[32];
	if (f->shorter)
		return;
	f->shorter = true;
	log_warning("the record holds %s, not %s: its size is reached (record =)",
		    text_duration(held_s * 1000, held, sizeof held),
		    text_duration(f->keep_s * 1000, asked, sizeof asked));
}

/* Forgets what is too old, and the oldest while all is too much: the file that begins may have a
 * quarter. */
static void
prune(struct record_files *f, int64_t now_s)
{
	size_t count;
	int64_t *list = list_files(f->folder, &count);
	uint64_t sum = 0;
	char name[40];
	struct stat st;
	for (size_t i = count; i > 0; i--) {
		name_file(list[i - 1], name);
		if (fstatat(f->folder, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
			sum += (uint64_t)st.st_size;
		bool old = i < count && list[i] < now_s - f->keep_s;
		bool much = sum > f->limit - f->limit / 4;
		if (i == count || !(much || old))
			continue;
		unlinkat(f->folder, name, 0);
		if (!old)
			tell_shorter(f, now_s - list[i]);
	}
	free(list);
}

static bool
read_all(int fd, void *bytes, size_t size)
{
	for (size_t got = 0; got < size;) {
		ssize_t n = read(fd, (char *)bytes + got, size - got);
		if (n == 0 || (n == -1 && errno != EINTR))
			return false;
		got += n > 0 ? (size_t)n : 0;
	}
	return true;
}

/* A file larger than a quarter of the limit is ended early, so that the limit holds. */
static int
open_file(struct record_files *f, int64_t now_s, int64_t *begun_s)
{
	char name[40];
	*begun_s = now_s;
	name_file(now_s, name);
	prune(f, now_s);
	return openat(f->folder, name,
		      O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
}

static void *
run(void *arg)
{
	struct record_files *f = arg;
	struct {
		struct record_head head;
		unsigned char bytes[RECORD_BLOCK];
	} *block = mmap(NULL, sizeof *block, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int64_t begun_s = 0;
	int fd = -1;
	while (block != MAP_FAILED &&
	       read_all(f->out, &block->head, sizeof block->head) &&
	       block->head.size <= RECORD_BLOCK &&
	       read_all(f->out, block->bytes, block->head.size)) {
		int64_t now_s = clock_real_ms() / 1000;
		struct stat st;
		size_t size = sizeof block->head + block->head.size;
		bool full = fd != -1 && fstat(fd, &st) == 0 &&
			    (uint64_t)st.st_size + size > f->limit / 4;
		if (fd != -1 && (full || now_s - begun_s >= FILE_S || now_s < begun_s)) {
			close(fd);
			fd = -1;
		}
		if (fd == -1)
			fd = open_file(f, now_s, &begun_s);
		if (fd == -1 || write(fd, block, size) != (ssize_t)size) {
			/* a disk that is full: its sum leaves out what is half there */
			if (fd != -1)
				close(fd);
			fd = -1;
		}
		/* the next is minutes away */
		madvise(block, sizeof *block, MADV_DONTNEED);
	}
	if (fd != -1)
		close(fd);
	if (block != MAP_FAILED)
		munmap(block, sizeof *block);
	close(f->out);
	return NULL;
}

/* ---- in the loop ---- */

struct record_files *
record_files_new(const char *folder, int64_t keep_ms, uint64_t limit)
{
	struct record_files *f = calloc(1, sizeof *f);
	int fds[2] = { -1, -1 };
	sigset_t all, old;
	if (f == NULL)
		return NULL;
	f->folder = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	f->keep_s = keep_ms / 1000;
	f->limit = limit;
	if (f->folder == -1 || pipe2(fds, O_CLOEXEC) != 0)
		goto failed;
	fcntl(fds[1], F_SETPIPE_SZ, PIPE_BYTES); /* else the usual 64 KiB have to do */
	if (fcntl(fds[1], F_GETPIPE_SZ) < (int)(RECORD_LEAST + PIPE_SPARE)) {
		errno = ENOBUFS; /* a user with very many pipes gets smaller ones */
		goto failed;
	}
	fcntl(fds[1], F_SETFL, O_NONBLOCK);
	f->out = fds[0];
	f->in = fds[1];
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	int error = pthread_create(&f->thread, NULL, run, f);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (error == 0)
		return f;
failed:
	log_warning("measurements are not recorded: %s", strerror(errno));
	if (f->folder != -1)
		close(f->folder);
	for (int i = 0; i < 2; i++)
		if (fds[i] != -1)
			close(fds[i]);
	free(f);
	return NULL;
}

size_t
record_files_most(const struct record_files *f)
{
	size_t most = (size_t)fcntl(f->in, F_GETPIPE_SZ) - PIPE_SPARE;
	size_t part = (size_t)(f->limit / RECORD_LIMIT_PARTS);
	return most < part ? most : part > RECORD_LEAST ? part : RECORD_LEAST;
}

/* A block must be whole in the pipe: it goes only where there is room for all of it. */
void
record_files_put(void *files, const void *bytes, size_t size)
{
	struct record_files *f = files;
	int used = 0, cap = fcntl(f->in, F_GETPIPE_SZ);
	struct pollfd p = { .fd = f->in, .events = POLLOUT };
	bool room = poll(&p, 1, 0) == 1 && ioctl(f->in, FIONREAD, &used) == 0 &&
		    cap - used > (int)size + 8192;
	ssize_t n = room ? write(f->in, bytes, size) : 0;
	if (n > 0 &&
	    (size_t)n < size) { /* never half a block: the thread is about to make room */
		fcntl(f->in, F_SETFL, 0);
		if (write(f->in, (const char *)bytes + n, size - (size_t)n) ==
		    (ssize_t)size - n)
			n = (ssize_t)size;
		fcntl(f->in, F_SETFL, O_NONBLOCK);
	}
	if (n == (ssize_t)size) {
		f->told = false;
		return;
	}
	if (!f->told)
		log_warning("the disk is too slow: some measurements are not recorded");
	f->told = true;
}

void
record_files_free(struct record_files **fp)
{
	struct record_files *f = *fp;
	struct timespec limit;
	if (f == NULL)
		return;
	close(f->in);
	clock_gettime(CLOCK_REALTIME, &limit);
	limit.tv_sec++;
	if (pthread_timedjoin_np(f->thread, NULL, &limit) == 0) {
		close(f->folder);
		free(f); /* else the thread has it, in a call that does not end */
	}
	*fp = NULL;
}

/* ---- reading ---- */

static int
read_file(int folder, int64_t number, int64_t since_real_ms,
	  bool (*fn)(void *arg, const struct record_head *head,
		     const unsigned char *bytes),
	  void *arg)
{
	static unsigned char bytes[RECORD_BLOCK];
	struct record_head head;
	char name[40];
	int blocks = 0;
	name_file(number, name);
	FILE *file = NULL;
	int fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd == -1 || (file = fdopen(fd, "r")) == NULL)
		return -1;
	while (fread(&head, sizeof head, 1, file) == 1) {
		if (memcmp(head.magic, RECORD_MAGIC, sizeof head.magic) != 0 ||
		    head.size > RECORD_BLOCK) {
			/* behind a torn block: look for the next one byte by byte */
			if (fseek(file, 1 - (long)sizeof head, SEEK_CUR) != 0)
				break;
			continue;
		}
		if (fread(bytes, head.size, 1, file) != 1)
			break;
		if (head.real_ms + RECORD_SPAN_MS < since_real_ms)
			continue;
		blocks++;
		if (!fn(arg, &head, bytes))
			break;
	}
	fclose(file);
	return blocks;
}

int
record_files_read(const char *path, int64_t since_real_ms,
		  bool (*fn)(void *arg, const struct record_head *head,
			     const unsigned char *bytes),
		  void *arg)
{
	int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), blocks = 0;
	size_t count;
	if (folder == -1)
		return -1;
	int64_t *list = list_files(folder, &count);
	for (size_t i = 0; i < count; i++) {
		if (i + 1 < count && list[i + 1] * 1000 + RECORD_SPAN_MS < since_real_ms)
			continue; /* all of it is older */
		int n = read_file(folder, list[i], since_real_ms, fn, arg);
		if (n == -1) {
			blocks = -1;
			break;
		}
		blocks += n;
	}
	free(list);
	int error = errno;
	close(folder);
	errno = error;
	return blocks;
}
