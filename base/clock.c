#include "base/clock.h"

#include <assert.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define DAY_MS INT64_C(86400000)

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

static void
put_digits(char *at, unsigned n, unsigned digits)
{
	for (; digits > 0; n /= 10)
		at[--digits] = (char)('0' + n % 10);
}

/* By hand, and a day at a time: thousands stand in one answer, and most are of one day. */
char *
clock_rfc3339(int64_t real_ms, char *out, size_t cap)
{
	static const char shape[] = "1970-01-01T00:00:00.000Z";
	static _Thread_local char date[] = "1970-01-01";
	static _Thread_local int64_t date_day;
	int64_t day = real_ms / DAY_MS, left = real_ms % DAY_MS;
	if (left < 0) {
		left += DAY_MS;
		day--;
	}
	if (day != date_day) {
		time_t s = (time_t)(day * (DAY_MS / 1000));
		struct tm tm;
		gmtime_r(&s, &tm);
		put_digits(date, (unsigned)tm.tm_year + 1900, 4);
		put_digits(date + 5, (unsigned)tm.tm_mon + 1, 2);
		put_digits(date + 8, (unsigned)tm.tm_mday, 2);
		date_day = day;
	}
	unsigned ms = (unsigned)left;
	assert(cap >= sizeof shape);
	memcpy(out, shape, sizeof shape);
	memcpy(out, date, sizeof date - 1);
	put_digits(out + 11, ms / 3600000, 2);
	put_digits(out + 14, ms / 60000 % 60, 2);
	put_digits(out + 17, ms / 1000 % 60, 2);
	put_digits(out + 20, ms % 1000, 3);
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
