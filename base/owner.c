#include "base/owner.h"

#include "base/text.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define STEPS 4096

/* Root's, and writable by nobody else; a folder with the sticky bit may be shared. */
static const char *
doubt(const struct stat *st)
{
	bool shared = !S_ISLNK(st->st_mode) && (st->st_mode & 022) != 0 &&
		      (!S_ISDIR(st->st_mode) || (st->st_mode & S_ISVTX) == 0);
	return st->st_uid != 0 ? "must belong to root, as root carries it out"
	       : shared        ? "must be writable by nobody but root"
			       : NULL;
}

/* The way goes on from where the link leads. False: it does not. */
static bool
follow(char at[PATH_MAX], char rest[PATH_MAX])
{
	char target[PATH_MAX], new[PATH_MAX];
	ssize_t n = readlink(at, target, sizeof target - 1);
	if (n <= 0 || (size_t)n + strlen(rest) + 2 > sizeof new)
		return false;
	target[n] = '\0';
	*strrchr(at, '/') = '\0';
	if (*target == '/' || *at == '\0')
		text_print(at, PATH_MAX, "/");
	text_print(new, sizeof new, "%s/%s", target, rest);
	text_print(rest, PATH_MAX, "%s", new);
	return true;
}

/* The next word of what is left goes behind at. False: there is no room. */
static bool
add_word(char at[PATH_MAX], char rest[PATH_MAX])
{
	char *word = rest + strspn(rest, "/"), *left = word + strcspn(word, "/");
	size_t n = (size_t)(left - word), used = strlen(at);
	while (used > 0 && at[used - 1] == '/')
		at[--used] = '\0';
	if (used + n + 2 > PATH_MAX)
		return false;
	if (n == 2 && memcmp(word, "..", 2) == 0)
		at[used > 0 ? strrchr(at, '/') - at : 0] = '\0';
	else if (n != 1 || *word != '.')
		text_print(at + used, PATH_MAX - used, "/%.*s", (int)n, word);
	if (*at == '\0')
		text_print(at, PATH_MAX, "/");
	memmove(rest, left, strlen(left) + 1);
	return true;
}

const char *
owner_doubt(const char *path, char at[PATH_MAX])
{
	static const char too_long[] = "leads too far to be followed";
	char rest[PATH_MAX];
	struct stat st;
	text_print(at, PATH_MAX, "/");
	if (*path != '/' && getcwd(at, PATH_MAX) == NULL)
		return strerror(errno);
	if (strlen(at) + strlen(path) + 2 > sizeof rest)
		return too_long;
	text_print(rest, sizeof rest, "%s/%s", at, path);
	text_print(at, PATH_MAX, "/");
	for (unsigned steps = 0; steps < STEPS; steps++) {
		if (lstat(at, &st) != 0)
			return NULL;
		const char *why = doubt(&st);
		if (why != NULL)
			return why;
		if (S_ISLNK(st.st_mode) && !follow(at, rest))
			return too_long;
		if (rest[strspn(rest, "/")] == '\0')
			return NULL; /* all of it is root's */
		if (!add_word(at, rest))
			return too_long;
	}
	return too_long;
}
