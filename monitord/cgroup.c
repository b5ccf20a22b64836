#include "monitord/cgroup.h"

#include "base/file.h"
#include "base/text.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Where cgroup2 is mounted (mountinfo, proc(5)): field 5 of the line with "- cgroup2 ". */
static bool
find_mount(char *out, size_t cap)
{
	FILE *f = fopen("/proc/self/mountinfo", "re");
	char line[4096], point[2048];
	bool found = false;
	while (f != NULL && !found && fgets(line, sizeof line, f) != NULL)
		if (strstr(line, " - cgroup2 ") != NULL &&
		    sscanf(line, "%*s %*s %*s %*s %2047s", point) == 1) {
			text_print(out, cap, "%s", point);
			found = true;
		}
	if (f != NULL)
		fclose(f);
	return found;
}

static bool
own_group(char *out, size_t cap)
{
	FILE *f = fopen("/proc/self/cgroup", "re");
	char line[4096];
	bool found = false;
	while (f != NULL && !found && fgets(line, sizeof line, f) != NULL)
		if (strncmp(line, "0::", 3) == 0) {
			line[strcspn(line, "\n")] = '\0';
			text_print(out, cap, "%s",
				   strcmp(line + 3, "/") == 0 ? "" : line + 3);
			found = true;
		}
	if (f != NULL)
		fclose(f);
	return found;
}

static int
open_dir(const char *path)
{
	return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
}

void
cgroups_open(struct cgroups *c, const char *run_dir)
{
	char note[PATH_MAX], mount[2048], own[2048], name[64];
	size_t size = text_print(name, sizeof name, "/monitord-%016llx",
				 (unsigned long long)text_hash(run_dir));
	text_print(note, sizeof note, "%s/cgroup", run_dir);
	*c = (struct cgroups){ .base = -1 };
	ssize_t n = file_read(AT_FDCWD, note, c->path, sizeof c->path);
	/* not damaged */
	bool own_word =
		n > (ssize_t)size && strcmp(c->path + (size_t)n - size, name) == 0;
	if (own_word && (c->base = open_dir(c->path)) != -1)
		return; /* of our earlier life */
	if (!find_mount(mount, sizeof mount) || !own_group(own, sizeof own))
		return;
	text_print(c->path, sizeof c->path, "%s%s%s", mount, own, name);
	if (mkdir(c->path, 0755) != 0 && errno != EEXIST)
		return;
	c->base = open_dir(c->path);
	if (c->base != -1 && faccessat(c->base, "cgroup.procs", W_OK, 0) != 0) {
		close(c->base);
		c->base = -1;
		return;
	}
	unlink(note); /* whatever stands there */
	int fd = open(note, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (fd != -1) {
		dprintf(fd, "%s", c->path);
		close(fd);
	}
}

void
cgroups_close(struct cgroups *c)
{
	if (c->base == -1)
		return;
	close(c->base);
	c->base = -1;
	rmdir(c->path); /* fails, as it should, while a service lives in it */
}

int
cgroup_open(const struct cgroups *c, const char *service)
{
	if (c->base == -1)
		return -1;
	if (mkdirat(c->base, service, 0755) != 0 && errno != EEXIST)
		return -1;
	return openat(c->base, service, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

bool
cgroups_again(struct cgroups *c)
{
	if (c->base == -1 || (mkdir(c->path, 0755) != 0 && errno != EEXIST))
		return false;
	int base = open_dir(c->path);
	if (base == -1)
		return false;
	close(c->base);
	c->base = base;
	return true;
}

int
cgroup_find(const struct cgroups *c, const char *service)
{
	if (c->base == -1)
		return -1;
	return openat(c->base, service, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
}

void
cgroups_each(const struct cgroups *c, void (*fn)(void *arg, const char *name), void *arg)
{
	int fd = c->base != -1 ? openat(c->base, ".", O_RDONLY | O_CLOEXEC) : -1;
	DIR *d = fd != -1 ? fdopendir(fd) : NULL;
	struct dirent *e;
	while (d != NULL && (e = readdir(d)) != NULL)
		fn(arg, e->d_name);
	if (d != NULL)
		closedir(d);
}

bool
cgroup_lists(int group, pid_t pid)
{
	char text[1024], line[16];
	ssize_t n = file_read(group, "cgroup.procs", text, sizeof text);
	size_t length = text_print(line, sizeof line, "%d\n", (int)pid);
	for (char *at = text; n > 0 && (at = strstr(at, line)) != NULL; at += length)
		if (at == text || at[-1] == '\n')
			return true;
	return false;
}

/* With the groups that the service has made in it; what still lives keeps its own. */
static void
remove_tree(int dir, const char *name, unsigned depth)
{
	if (unlinkat(dir, name, AT_REMOVEDIR) == 0 || errno != EBUSY || depth == 0)
		return;
	int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	DIR *d = fd != -1 && cgroup_populated(fd) != 1 ? fdopendir(fd) : NULL;
	struct dirent *e;
	if (d == NULL && fd != -1)
		close(fd);
	while (d != NULL && (e = readdir(d)) != NULL)
		if (e->d_type == DT_DIR && e->d_name[0] != '.')
			remove_tree(dirfd(d), e->d_name, depth - 1);
	if (d != NULL)
		closedir(d);
	unlinkat(dir, name, AT_REMOVEDIR);
}

void
cgroup_remove(const struct cgroups *c, const char *service)
{
	if (c->base != -1)
		remove_tree(c->base, service, 16);
}

int
cgroup_events(int group)
{
	return openat(group, "cgroup.events", O_RDONLY | O_CLOEXEC);
}

int
cgroup_populated_now(int events)
{
	char text[512];
	ssize_t n = events != -1 ? pread(events, text, sizeof text - 1, 0) : -1;
	if (n < 0) /* removed: only an empty one can be */
		return errno == ENOENT || errno == ENODEV ? 0 : -1;
	text[n] = '\0';
	char *p = strstr(text, "populated ");
	return p != NULL ? p[10] == '1' : -1;
}

int
cgroup_populated(int group)
{
	int events = cgroup_events(group), populated = cgroup_populated_now(events),
	    error = errno;
	if (events != -1)
		close(events);
	errno = error;
	return populated;
}

long
cgroup_oom_kills(int group)
{
	char text[512];
	if (file_read(group, "memory.events", text, sizeof text) <= 0)
		return -1;
	char *p = strstr(text, "\noom_kill ");
	return p != NULL ? strtol(p + 10, NULL, 10) : -1;
}

bool
cgroup_set(int group, const char *file, const char *value)
{
	int fd = openat(group, file, O_WRONLY | O_CLOEXEC);
	bool good = fd != -1 && write(fd, value, strlen(value)) == (ssize_t)strlen(value);
	if (fd != -1)
		close(fd);
	return good;
}

size_t
cgroup_pids(int group, pid_t *pids, size_t cap)
{
	int fd = openat(group, "cgroup.procs", O_RDONLY | O_CLOEXEC);
	FILE *f = fd != -1 ? fdopen(fd, "r") : NULL;
	size_t n = 0;
	int pid;
	while (f != NULL && fscanf(f, "%d", &pid) == 1) {
		if (n < cap)
			pids[n] = pid;
		n++;
	}
	if (f != NULL)
		fclose(f);
	return n;
}

bool
cgroup_kill(int group)
{
	pid_t pids[512];
	if (cgroup_set(group, "cgroup.kill", "1"))
		return true;
	/* before 5.14: one by one, until empty */
	size_t n = cgroup_pids(group, pids, 512);
	for (size_t i = 0; i < n && i < 512; i++)
		kill(pids[i], SIGKILL);
	return n > 0;
}

bool
cgroup_has(const struct cgroups *c, const char *service, pid_t pid)
{
	char path[64], line[4096], want[PATH_MAX];
	bool found = false;
	text_print(path, sizeof path, "/proc/%d/cgroup", pid);
	const char *base = strstr(c->path, "/monitord-");
	text_print(want, sizeof want, "%s/%s", base != NULL ? base : c->path, service);
	FILE *f = fopen(path, "re");
	while (f != NULL && !found && fgets(line, sizeof line, f) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		size_t n = strlen(line), m = strlen(want);
		found = strncmp(line, "0::", 3) == 0 && n >= m &&
			strcmp(line + n - m, want) == 0;
	}
	if (f != NULL)
		fclose(f);
	return found;
}
