#include "monitord/envfile.h"

#include "monitord/logfile.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int
open_link(const char *path)
{
	return open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
}

static int
open_file(const char *path)
{
	return open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW);
}

/* What the service's user can put in its place, a link to root's secrets say, is read as that
 * user only; so is what lies behind any link. */
static int
open_env(const char *path, const struct account *account)
{
	if (!account->set || account->uid == 0 || geteuid() != 0)
		return open_link(path);
	int fd = logfile_open_by(path, account, open_file);
	return fd == -1 && errno == ELOOP ? logfile_open_as(path, account, open_link)
					  : fd;
}

ssize_t
envfile_read(const char *path, const struct account *account, char text[ENVFILE_MAX])
{
	struct stat st;
	int fd = open_env(path, account);
	if (fd == -1)
		return -1;
	int error = fstat(fd, &st) != 0 ? errno : 0;
	if (error == 0 && !S_ISREG(st.st_mode))
		error = EINVAL;
	if (error == 0 &&
	    ((st.st_mode & 022) != 0 || (st.st_uid != 0 && st.st_uid != geteuid() &&
					 (!account->set || st.st_uid != account->uid))))
		error = EPERM;
	ssize_t n = error == 0 ? read(fd, text, ENVFILE_MAX) : -1;
	if (error == 0 && n == -1)
		error = errno;
	if (n == ENVFILE_MAX)
		error = EFBIG;
	close(fd);
	errno = error;
	text[n >= 0 && n < ENVFILE_MAX ? n : 0] = '\0';
	return error == 0 ? n : -1;
}

static bool
is_name(const char *text, size_t size)
{
	static const char letters[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_";
	if (size == 0 || strchr(letters, *text) == NULL)
		return false;
	for (size_t i = 1; i < size; i++)
		if (strchr(letters, text[i]) == NULL && (text[i] < '0' || text[i] > '9'))
			return false;
	return true;
}

static void
unquote(char *value)
{
	size_t n = strlen(value);
	if (n < 2 || (*value != '"' && *value != '\'') || value[n - 1] != *value)
		return;
	memmove(value, value + 1, n - 2);
	value[n - 2] = '\0';
}

char *
envfile_next(char **at, bool *good)
{
	*good = true;
	while (**at != '\0') {
		char *line = *at + strspn(*at, " \t\r\n");
		char *end = line + strcspn(line, "\n");
		*at = *end != '\0' ? end + 1 : end;
		while (end > line &&
		       (end[-1] == ' ' || end[-1] == '\t' || end[-1] == '\r'))
			end--;
		if (end == line || *line == '#' || *line == ';')
			continue;
		*end = '\0';
		size_t name = strcspn(line, "=");
		*good = line[name] == '=' && is_name(line, name);
		if (!*good)
			return NULL;
		unquote(line + name + 1);
		return line;
	}
	return NULL;
}
