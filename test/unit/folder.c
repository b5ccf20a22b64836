#include "test/unit/folder.h"

#include "base/clock.h"
#include "test/unit/unit.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

char folder[PATH_MAX];

int
folder_make(void **state)
{
	const char *tmp = getenv("TMPDIR");
	(void)state;
	snprintf(folder, sizeof folder, "%s/monitord-unit-XXXXXX",
		 tmp != NULL ? tmp : "/tmp");
	return mkdtemp(folder) == NULL;
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *where)
{
	(void)st;
	(void)type;
	(void)where;
	return remove(path);
}

int
folder_remove(void **state)
{
	(void)state;
	return nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

const char *
folder_path(const char *name)
{
	static char paths[4][PATH_MAX + 64];
	static unsigned next;
	char *path = paths[next++ % 4];
	snprintf(path, sizeof paths[0], "%s/%s", folder, name);
	return path;
}

void
folder_write(const char *name, const char *text)
{
	FILE *f = fopen(folder_path(name), "w");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

const char *
folder_read(const char *name)
{
	static char text[65536];
	FILE *f = fopen(folder_path(name), "r");
	size_t n = f != NULL ? fread(text, 1, sizeof text - 1, f) : 0;
	text[n] = '\0';
	if (f != NULL)
		fclose(f);
	return text;
}

void
folder_await(int (*done)(void *arg), void *arg)
{
	int64_t deadline = clock_ms() + 20000;
	while (!done(arg)) {
		if (clock_ms() > deadline)
			fail_msg("nothing for 20 seconds");
		usleep(1000);
	}
}
