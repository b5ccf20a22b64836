/* monitorctl import MONITRC: asks no daemon. */
#include "status/ctl.h"

#include "status/import.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_MOST (4u << 20)

static char *
read_whole(const char *path)
{
	FILE *f = fopen(path, "re");
	char *text = f != NULL ? calloc(1, FILE_MOST + 1) : NULL;
	if (text != NULL) {
		size_t n = fread(text, 1, FILE_MOST + 1, f);
		if (n > FILE_MOST || ferror(f) || memchr(text, '\0', n) != NULL) {
			errno = n > FILE_MOST ? EFBIG : ferror(f) ? errno : EINVAL;
			free(text);
			text = NULL;
		}
	}
	if (f != NULL)
		fclose(f);
	return text;
}

enum ctl_exit
ctl_import(struct ctl *ctl)
{
	const char *path = ctl->names[0];
	char *text = read_whole(path);
	if (text == NULL) {
		fprintf(stderr, "monitorctl: import %s: %s\n", path, strerror(errno));
		return CTL_NO_SUCH_NAME;
	}
	int lost = import_monitrc(path, text, read_whole, stdout, stderr);
	free(text);
	if (lost < 0) {
		fputs("monitorctl: out of memory\n", stderr);
		return CTL_NOT_REACHED;
	}
	if (lost > 0)
		fprintf(stderr,
			"%d statement%s no counterpart and stand%s in the output as a comment\n",
			lost, lost == 1 ? " has" : "s have", lost == 1 ? "s" : "");
	return CTL_DONE;
}
