/* Before a start: nobody else listens where the service will. Its `listen` checks say where; so do
 * others that connect to this host, if the service itself was seen to listen there when it was
 * stopped: a check of it may well go through a front's port. */
#include "monitord/process_state.h"

#include "base/text.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define LINKS_MOST 50000 /* descriptors of others that are looked at for a name */
#define OWN_PIDS 64	 /* processes of the service that are looked at when it is stopped, */
#define OWN_LINKS 4096	 /* and descriptors of each: listeners are among the first */

/* A bind that is refused shows a listener, on this address or on all; nothing is ever sent. */
static bool
is_taken(const char *host, uint16_t port)
{
	host = strcmp(host, "localhost") == 0 ? "127.0.0.1" : host;
	struct sockaddr_in6 six = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	struct sockaddr_in four = { .sin_family = AF_INET, .sin_port = htons(port) };
	bool any = strcmp(host, "*") == 0;
	bool v4 = any || inet_pton(AF_INET, host, &four.sin_addr) == 1;
	const int on = 1;
	if (!v4 && inet_pton(AF_INET6, host, &six.sin6_addr) != 1)
		return false; /* a name: not ours to resolve here */
	int fd = socket(v4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return false;
	/* connections that linger do not count */
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	bool taken = bind(fd, v4 ? (struct sockaddr *)&four : (struct sockaddr *)&six,
			  v4 ? sizeof four : sizeof six) != 0 &&
		     errno == EADDRINUSE;
	close(fd);
	return taken;
}

/* The socket that listens on this port; 0: none is seen. */
static unsigned long
listener_inode(uint16_t port)
{
	static const char *const tables[] = { "/proc/net/tcp", "/proc/net/tcp6" };
	unsigned long found = 0;
	for (size_t i = 0; i < 2 && found == 0; i++) {
		FILE *f = fopen(tables[i], "re");
		char row[512];
		while (f != NULL && found == 0 && fgets(row, sizeof row, f) != NULL) {
			unsigned at, state;
			unsigned long inode;
			if (sscanf(row,
				   " %*d: %*[0-9A-F]:%x %*s %x %*s %*s %*s %*s %*s %lu",
				   &at, &state, &inode) != 3)
				continue; /* the head */
			if (state != 10)
				/* listeners come first: connections may be a million */
				break;
			if (at == port)
				found = inode;
		}
		if (f != NULL)
			fclose(f);
	}
	return found;
}

static bool
holds(pid_t pid, unsigned long inode, unsigned *links)
{
	char want[64], path[64], to[64];
	bool found = false;
	struct dirent *l;
	text_print(want, sizeof want, "socket:[%lu]", inode);
	text_print(path, sizeof path, "/proc/%d/fd", (int)pid);
	DIR *d = opendir(path);
	while (d != NULL && !found && *links > 0 && (l = readdir(d)) != NULL) {
		ssize_t n = readlinkat(dirfd(d), l->d_name, to, sizeof to - 1);
		to[n > 0 ? n : 0] = '\0';
		found = strcmp(to, want) == 0;
		--*links;
	}
	if (d != NULL)
		closedir(d);
	return found;
}

/* Who holds that socket; 0: nobody that can be seen. */
static pid_t
holder_of(unsigned long inode)
{
	unsigned links = LINKS_MOST;
	pid_t found = 0;
	DIR *all = inode != 0 ? opendir("/proc") : NULL;
	struct dirent *e;
	while (all != NULL && found == 0 && links > 0 && (e = readdir(all)) != NULL) {
		pid_t pid = atoi(e->d_name);
		if (pid > 0 && holds(pid, inode, &links))
			found = pid;
	}
	if (all != NULL)
		closedir(all);
	return found;
}

static void
name_of(pid_t pid, char *out, size_t cap)
{
	char path[64], raw[64] = "?";
	text_print(path, sizeof path, "/proc/%d/comm", (int)pid);
	FILE *f = fopen(path, "re");
	size_t n =
		f != NULL && fgets(raw, sizeof raw, f) != NULL ? strcspn(raw, "\n") : 1;
	if (f != NULL)
		fclose(f);
	text_clean(out, cap, raw, n);
}

/* It connects to a port of this host, as far as can be told without asking anybody. */
static bool
connects_here(const struct check *c)
{
	struct in6_addr any;
	return c->port != 0 && c->host != NULL && c->kind != CHECK_LISTEN &&
	       c->kind != CHECK_UDP && c->kind != CHECK_NTP && c->kind != CHECK_DNS &&
	       c->kind != CHECK_PING && !check_is_unix(c) &&
	       (strcmp(c->host, "localhost") == 0 ||
		inet_pton(AF_INET, c->host, &any) == 1 ||
		inet_pton(AF_INET6, c->host, &any) == 1);
}

void
ports_note(struct process *p)
{
	const struct rules *r = p->owner->rules;
	const struct service *s = process_service(p);
	pid_t pids[OWN_PIDS];
	size_t count = 0;
	for (uint32_t i = 0; i < s->checks.count && i < 64; i++) {
		const struct check *c = &r->checks[s->checks.ids[i]];
		unsigned long inode = connects_here(c) ? listener_inode(c->port) : 0;
		if (inode != 0 && count == 0)
			count = process_pids(p, pids, OWN_PIDS);
		bool own = false;
		for (size_t k = 0; inode != 0 && k < count && k < OWN_PIDS && !own; k++) {
			unsigned links = OWN_LINKS;
			own = holds(pids[k], inode, &links);
		}
		if (own)
			p->ports |= UINT64_C(1) << i;
	}
}

bool
ports_free(const struct process *p, char *why, size_t cap)
{
	const struct rules *r = p->owner->rules;
	const struct service *s = process_service(p);
	char name[64];
	for (uint32_t i = 0; i < s->checks.count; i++) {
		const struct check *c = &r->checks[s->checks.ids[i]];
		bool own = i < 64 && (p->ports >> i & 1) != 0;
		if ((c->kind != CHECK_LISTEN && !own) || !is_taken(c->host, c->port))
			continue;
		pid_t pid = holder_of(listener_inode(c->port));
		name_of(pid, name, sizeof name);
		if (pid > 0)
			text_print(why, cap,
				   "port %s:%u is still taken, by process %d (%s)",
				   c->host, c->port, (int)pid, name);
		else
			text_print(why, cap, "port %s:%u is still taken", c->host,
				   c->port);
		return false;
	}
	return true;
}
