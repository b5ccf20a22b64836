/* Evidence of a living process: its busiest threads, its sockets. All of it as the kernel tells
 * it in /proc. */
#include "monitord/gather.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define THREADS_MOST 4096
#define SAMPLE_MS 300
#define INODES_MOST 16384
#define SOCKET_LINES 200

/* ---- threads ---- */

struct thread {
	pid_t pid, tid;
	uint64_t before_ns, used_ns;
	bool gone;
};

/* Time on a CPU: the first number of schedstat. */
static bool
read_cpu(const struct thread *t, uint64_t *out_ns)
{
	char path[96], text[128];
	text_print(path, sizeof path, "/proc/%d/task/%d/schedstat", (int)t->pid,
		   (int)t->tid);
	if (file_read(AT_FDCWD, path, text, sizeof text) <= 0)
		return false;
	*out_ns = strtoull(text, NULL, 10);
	return true;
}

static size_t
find_threads(const struct gathering *g, struct thread *list)
{
	size_t n = 0;
	for (size_t i = 0; i < g->ask->pid_count; i++) {
		char path[64];
		struct dirent *e;
		text_print(path, sizeof path, "/proc/%d/task", (int)g->ask->pids[i]);
		DIR *d = opendir(path);
		while (d != NULL && n < THREADS_MOST && (e = readdir(d)) != NULL) {
			list[n] = (struct thread){ .pid = g->ask->pids[i],
						   .tid = atoi(e->d_name) };
			if (list[n].tid > 0 && read_cpu(&list[n], &list[n].before_ns))
				n++;
		}
		if (d != NULL)
			closedir(d);
	}
	return n;
}

static int
by_use(const void *a, const void *b)
{
	const struct thread *x = a, *y = b;
	return x->used_ns < y->used_ns   ? 1
	       : x->used_ns > y->used_ns ? -1
					 : x->tid - y->tid;
}

/* "http-nio-8080-exec-3" and its state, of "TID (NAME) S …". */
static void
read_name(const struct thread *t, char *name, size_t cap, char *state)
{
	char path[96], text[512];
	text_print(path, sizeof path, "/proc/%d/task/%d/stat", (int)t->pid, (int)t->tid);
	file_read(AT_FDCWD, path, text, sizeof text);
	char *from = strchr(text, '('), *end = strrchr(text, ')');
	*state = '?';
	text_print(name, cap, "?");
	if (from == NULL || end == NULL || end < from)
		return;
	text_clean(name, cap, from + 1, (size_t)(end - from - 1));
	if (end[1] == ' ' && end[2] != '\0')
		*state = end[2];
}

static void
read_wait(const struct thread *t, char *out, size_t cap)
{
	char path[96], text[64];
	text_print(path, sizeof path, "/proc/%d/task/%d/wchan", (int)t->pid, (int)t->tid);
	file_read(AT_FDCWD, path, text, sizeof text);
	text_clean(out, cap, text, strcmp(text, "0") == 0 ? 0 : strlen(text));
}

/* A JVM's dump names its threads by the same numbers, older ones in hexadecimal (nid). */
void
gather_threads(struct gathering *g, unsigned most)
{
	static struct thread list[THREADS_MOST];
	char line[GATHER_LINE], name[64], wait[64], state;
	struct text t;
	if (g->ask->pid == 0)
		return;
	size_t n = find_threads(g, list);
	int64_t began = clock_ns();
	poll(NULL, 0, SAMPLE_MS);
	for (size_t i = 0; i < n; i++) {
		uint64_t now;
		list[i].gone = !read_cpu(&list[i], &now);
		list[i].used_ns = list[i].gone ? 0 : now - list[i].before_ns;
	}
	double took = (double)(clock_ns() - began);
	qsort(list, n, sizeof *list, by_use);
	gather_put(g,
		   "\n---- the busiest of %zu threads in %zu processes, in %d ms ----\n",
		   n, g->ask->pid_count, SAMPLE_MS);
	text_begin(&t, line, sizeof line);
	text_add(&t, "%zu threads, the busiest", n);
	for (size_t i = 0; i < n && i < most; i++) {
		double percent = 100.0 * (double)list[i].used_ns / took;
		read_name(&list[i], name, sizeof name, &state);
		read_wait(&list[i], wait, sizeof wait);
		gather_put(g, "%5.1f%% %c %s tid %d (0x%x) of process %d %s\n", percent,
			   state, name, (int)list[i].tid, (unsigned)list[i].tid,
			   (int)list[i].pid, wait);
		if (i < 5)
			text_add(&t, "%s %s %d (0x%x) %.0f%% %c", i == 0 ? ":" : ",",
				 name, (int)list[i].tid, (unsigned)list[i].tid, percent,
				 state);
	}
	gather_tell(g, line);
}

/* ---- sockets ---- */

static int
by_number(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;
	return *x < *y ? -1 : *x > *y;
}

/* The inodes of all sockets that its processes hold; fds: how many descriptors of any kind. */
static size_t
find_sockets(const struct gathering *g, uint64_t *inodes, size_t *fds)
{
	size_t n = 0;
	*fds = 0;
	for (size_t i = 0; i < g->ask->pid_count; i++) {
		char path[64], to[64];
		struct dirent *e;
		text_print(path, sizeof path, "/proc/%d/fd", (int)g->ask->pids[i]);
		DIR *d = opendir(path);
		while (d != NULL && n < INODES_MOST && (e = readdir(d)) != NULL) {
			ssize_t size = readlinkat(dirfd(d), e->d_name, to, sizeof to - 1);
			to[size > 0 ? size : 0] = '\0';
			*fds += size > 0;
			if (strncmp(to, "socket:[", 8) == 0)
				inodes[n++] = strtoull(to + 8, NULL, 10);
		}
		if (d != NULL)
			closedir(d);
	}
	qsort(inodes, n, sizeof *inodes, by_number);
	return n;
}

static const char *const tcp_states[] = { /* net/tcp_states.h, from 1 */
	"",	       "ESTABLISHED", "SYN_SENT", "SYN_RECV",  "FIN_WAIT1", "FIN_WAIT2", "TIME_WAIT",
	"CLOSE",       "CLOSE_WAIT",  "LAST_ACK", "LISTEN",    "CLOSING",
};
#define TCP_STATES (sizeof tcp_states / sizeof *tcp_states)

struct tally {
	unsigned states[TCP_STATES];
	struct text listens; /* "0.0.0.0:8080 (5 wait)" */
	unsigned lines;
};

/* "0100007F:1F90": words of the address in the host's order. */
static void
put_address(const char *hex, char *out, size_t cap)
{
	char text[INET6_ADDRSTRLEN] = "?";
	uint32_t words[4] = { 0 };
	size_t digits = strcspn(hex, ":"), n = digits / 8;
	for (size_t i = 0; i < n && i < 4; i++) {
		char word[9] = "";
		memcpy(word, hex + 8 * i, 8);
		words[i] = (uint32_t)strtoul(word, NULL, 16);
	}
	inet_ntop(n == 4 ? AF_INET6 : AF_INET, words, text, sizeof text);
	unsigned long port = hex[digits] == ':' ? strtoul(hex + digits + 1, NULL, 16) : 0;
	text_print(out, cap, n == 4 ? "[%s]:%lu" : "%s:%lu", text, port);
}

static void
take_row(struct gathering *g, const char *row, const uint64_t *inodes, size_t count, struct tally *y)
{
	char local[80], remote[80], from[64], to[64];
	unsigned state;
	unsigned long send, receive;
	unsigned long long inode;
	if (sscanf(row, " %*d: %79s %79s %x %lx:%lx %*s %*s %*s %*s %llu", local, remote,
		   &state, &send, &receive, &inode) != 6 ||
	    state >= TCP_STATES)
		return;
	uint64_t wanted = inode;
	if (bsearch(&wanted, inodes, count, sizeof *inodes, by_number) == NULL)
		return;
	put_address(local, from, sizeof from);
	put_address(remote, to, sizeof to);
	if (y->states[state]++ < 8 && strcmp(tcp_states[state], "LISTEN") == 0) {
		text_add(&y->listens, "%s%s", y->listens.length > 0 ? ", " : "", from);
		if (receive > 0)
			text_add(&y->listens, " (%lu wait)", receive);
	}
	if (y->lines++ < SOCKET_LINES)
		gather_put(g, "%-12s %s %s send %lu receive %lu\n", tcp_states[state],
			   from, to, send, receive);
}

void
gather_sockets(struct gathering *g)
{
	static uint64_t inodes[INODES_MOST];
	static const char *const tables[] = { "tcp", "tcp6" };
	char line[GATHER_LINE], listens[300], row[512], path[64];
	struct tally y = { .lines = 0 };
	struct text t;
	size_t fds;
	if (g->ask->pid == 0)
		return;
	size_t n = find_sockets(g, inodes, &fds);
	text_begin(&y.listens, listens, sizeof listens);
	gather_put(g, "\n---- sockets: %zu of %zu descriptors ----\n", n, fds);
	for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
		text_print(path, sizeof path, "/proc/%d/net/%s", (int)g->ask->pid,
			   tables[i]);
		FILE *f = fopen(path, "re");
		while (f != NULL && fgets(row, sizeof row, f) != NULL)
			take_row(g, row, inodes, n, &y);
		if (f != NULL)
			fclose(f);
	}
	if (y.lines > SOCKET_LINES)
		gather_put(g, "and %u more\n", y.lines - SOCKET_LINES);
	text_begin(&t, line, sizeof line);
	text_add(&t, "%zu descriptors, %zu sockets", fds, n);
	if (y.listens.length > 0)
		text_add(&t, "; listens on %s", listens);
	for (size_t i = 0; i < TCP_STATES; i++)
		if (y.states[i] > 0 && strcmp(tcp_states[i], "LISTEN") != 0)
			text_add(&t, "; %u %s", y.states[i], tcp_states[i]);
	gather_tell(g, line);
}
