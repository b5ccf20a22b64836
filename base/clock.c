#include "base/clock.h"

#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static int64_t
read_ns(clockid_t id)
{
	struct timespec t;
	clock_gettime(id, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

int64_t
clock_ns(void)
{
	return read_ns(CLOCK_MONOTONIC);
}

int64_t
clock_ms(void)
{
	return clock_ns() / 1000000;
}

int64_t
clock_real_ms(void)
{
	return read_ns(CLOCK_REALTIME) / 1000000;
}

int32_t
clock_zone_s(int64_t real_ms)
{
	time_t s = real_ms / 1000;
	struct tm tm = { 0 };
	tzset(); /* the file may be another by now */
	return localtime_r(&s, &tm) != NULL ? (int32_t)tm.tm_gmtoff : 0;
}

char *
clock_rfc3339(int64_t real_ms, char *out, size_t cap)
{
	time_t s = real_ms / 1000;
	int ms = (int)(real_ms % 1000);
	struct tm tm;
	if (ms < 0) {
		ms += 1000;
		s--;
	}
	gmtime_r(&s, &tm);
	/* by hand: thousands of them stand in one answer */
	const int parts[] = { tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour,
			      tm.tm_min, tm.tm_sec, ms };
	static const char shape[] = "0000-00-00T00:00:00.000Z";
	assert(cap >= sizeof shape);
	memcpy(out, shape, sizeof shape);
	for (size_t part = 7, at = sizeof shape - 2; part-- > 0;) {
		int n = parts[part];
		for (at--; at < sizeof shape && shape[at] == '0'; at--, n /= 10)
			out[at] = (char)('0' + n % 10);
	}
	return out;
}

const char *
clock_boot_id(void)
{
	static char id[37];
	if (id[0] == '\0') {
		int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
		if (fd != -1) {
			if (read(fd, id, 36) != 36)
				id[0] = '\0';
			close(fd);
		}
	}
	return id;
}
