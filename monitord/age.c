#include "monitord/age.h"

#include "base/clock.h"
#include "base/text.h"

#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define ERROR_MS 10000

/* False: there is none of this boot. */
static bool
read_note(const char *path, int64_t *boot_ms)
{
	char text[100] = "", boot[37] = "";
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	ssize_t n = fd != -1 ? read(fd, text, sizeof text - 1) : -1;
	if (fd != -1)
		close(fd);
	return n > 0 && sscanf(text, "%36s %" SCNd64, boot, boot_ms) == 2 &&
	       strcmp(boot, clock_boot_id()) == 0;
}

static void
write_note(const char *path, int64_t boot_ms)
{
	char text[100];
	size_t n = text_print(text, sizeof text, "%s %" PRId64 "\n", clock_boot_id(),
			      boot_ms);
	unlink(path);
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (fd == -1)
		return;
	if (write(fd, text, n) != (ssize_t)n)
		unlink(path);
	close(fd);
}

int64_t
age_now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_BOOTTIME, &t);
	return clock_real_ms() - ((int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000);
}

int64_t
age_boot_ms(const char *run_dir)
{
	char path[PATH_MAX];
	int64_t least, now = age_now_ms();
	text_print(path, sizeof path, "%s/clock", run_dir);
	if (read_note(path, &least) && least <= now + 1)
		return least;
	write_note(path, now);
	return now;
}

bool
age_after(uint64_t ticks, int64_t boot_ms, int64_t real_ms)
{
	int64_t a_second = sysconf(_SC_CLK_TCK);
	return boot_ms + (int64_t)(ticks * 1000 / (uint64_t)a_second) >
	       real_ms + ERROR_MS;
}
