/* stall DIR PID: a file system at DIR with the files `pid` (it says PID), `env` (A=b) and
 * `log` (it swallows what is written), the folder `sub`, and `held`, whose reads are never
 * answered: the first that opens it shares its pages, and a later one that maps it waits for
 * these, with its memory locked, so that who reads its command line waits as well. USR1: it hears, and answers
 * nobody any more, so that nothing can kill who waits for it; USR2: it does again, and
 * those who wait get their answers. It ends with TERM, which frees all. Needs root and
 * /dev/fuse. */
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { ROOT = FUSE_ROOT_ID, PID, ENV, LOG, SUB, HELD };

#define REQUEST 8192
#define KEPT 64

static volatile sig_atomic_t hangs, ends;
static _Alignas(8) char kept[KEPT][REQUEST];
static unsigned kept_count;
static const char *text;
static uint64_t log_size;
static bool held_is_open;

static void
on_signal(int sig)
{
	if (sig == SIGTERM)
		ends = 1;
	else
		hangs = sig == SIGUSR1;
}

static void
answer(int fd, uint64_t unique, int error, const void *body, size_t size)
{
	struct fuse_out_header h = { .len = (uint32_t)(sizeof h +
						       (error == 0 ? size : 0)),
				     .error = -error,
				     .unique = unique };
	struct iovec parts[] = { { &h, sizeof h }, { (void *)(uintptr_t)body, size } };
	if (writev(fd, parts, error == 0 && size > 0 ? 2 : 1) == -1 && errno != ENOENT)
		perror("answer");
}

static const char *
text_of(uint64_t node)
{
	return node == PID ? text : node == ENV ? "A=b\n" : "";
}

static struct fuse_attr
attr_of(uint64_t node)
{
	struct fuse_attr a = { .ino = node, .nlink = 1, .blksize = 4096 };
	/* a pid file of before the process names another */
	a.mtime = a.ctime = a.atime = (uint64_t)time(NULL);
	a.mode = node == ROOT || node == SUB ? S_IFDIR | 0755 : S_IFREG | 0644;
	a.size = node == LOG ? log_size : node == HELD ? 4096 : strlen(text_of(node));
	return a;
}

static void
lookup(int fd, const struct fuse_in_header *in, const char *name)
{
	struct fuse_entry_out out = { .nodeid = strcmp(name, "pid") == 0    ? PID
						: strcmp(name, "env") == 0  ? ENV
						: strcmp(name, "log") == 0  ? LOG
						: strcmp(name, "sub") == 0  ? SUB
						: strcmp(name, "held") == 0 ? HELD
									    : 0 };
	out.attr = attr_of(out.nodeid);
	answer(fd, in->unique, out.nodeid == 0 ? ENOENT : 0, &out, sizeof out);
}

static void
serve(int fd, const void *request)
{
	const struct fuse_in_header *in = request;
	const void *body = in + 1;
	struct fuse_init_out init = { .major = 7, .minor = 31, .max_write = 4096 };
	struct fuse_attr_out attr = { .attr = attr_of(in->nodeid) };
	struct fuse_open_out open_out = { .open_flags = FOPEN_DIRECT_IO };
	const struct fuse_read_in *r = body;
	const struct fuse_write_in *w = body;
	struct fuse_statfs_out room = {
		.st = { .blocks = 100, .bfree = 50, .bavail = 50, .bsize = 4096, .frsize = 4096, .namelen = 255 }
	};
	struct fuse_write_out written = { 0 };
	size_t size = strlen(text_of(in->nodeid));
	switch (in->opcode) {
	case FUSE_INIT:
		answer(fd, in->unique, 0, &init, sizeof init);
		break;
	case FUSE_LOOKUP:
		lookup(fd, in, body);
		break;
	case FUSE_GETATTR:
	case FUSE_SETATTR:
		answer(fd, in->unique, 0, &attr, sizeof attr);
		break;
	case FUSE_OPEN:
		if (in->nodeid == HELD) {
			open_out.open_flags =
				held_is_open ? FOPEN_DIRECT_IO | FOPEN_KEEP_CACHE : 0;
			held_is_open = true;
		}
		answer(fd, in->unique, 0, &open_out, sizeof open_out);
		break;
	case FUSE_OPENDIR:
		answer(fd, in->unique, 0, &open_out, sizeof open_out);
		break;
	case FUSE_READ:
		if (in->nodeid == HELD)
			break;
		answer(fd, in->unique, 0, text_of(in->nodeid), r->offset == 0 ? size : 0);
		break;
	case FUSE_WRITE:
		written.size = w->size;
		log_size += w->size;
		answer(fd, in->unique, 0, &written, sizeof written);
		break;
	case FUSE_STATFS:
		answer(fd, in->unique, 0, &room, sizeof room);
		break;
	case FUSE_FLUSH:
	case FUSE_RELEASE:
	case FUSE_RELEASEDIR:
		answer(fd, in->unique, 0, NULL, 0);
		break;
	case FUSE_FORGET:
	case FUSE_BATCH_FORGET:
	case FUSE_INTERRUPT: /* who waits for the dead waits */
		break;
	default:
		answer(fd, in->unique, ENOSYS, NULL, 0);
		break;
	}
}

int
main(int argc, char **argv)
{
	static _Alignas(8) char bytes[1 << 17];
	struct sigaction quick = { .sa_handler = on_signal };
	char options[100];
	int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	if (argc != 3 || fd == -1)
		return 77;
	text = argv[2];
	snprintf(options, sizeof options,
		 "fd=%d,rootmode=40755,user_id=0,group_id=0,allow_other", fd);
	if (mount("stall", argv[1], "fuse.stall", MS_NOSUID | MS_NODEV, options) != 0)
		return 77;
	sigaction(SIGTERM, &quick, NULL);
	sigaction(SIGUSR1, &quick, NULL);
	sigaction(SIGUSR2, &quick, NULL);
	printf("mounted\n");
	fflush(stdout);
	while (!ends) {
		for (; !hangs && kept_count > 0; kept_count--)
			serve(fd, kept[kept_count - 1]);
		ssize_t n = read(fd, bytes, sizeof bytes);
		if (n < (ssize_t)sizeof(struct fuse_in_header))
			continue;
		if (!hangs)
			serve(fd, bytes);
		else if (n <= REQUEST && kept_count < KEPT)
			memcpy(kept[kept_count++], bytes, (size_t)n);
	}
	umount2(argv[1], MNT_DETACH);
	return 0;
}
