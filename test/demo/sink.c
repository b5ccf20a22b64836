/* A mail sink: takes every mail by SMTP (RFC 5321) and appends it to one mailbox file. */
#include "test/demo/demo.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

static void
say(FILE *out, const char *line)
{
	fprintf(out, "%s\r\n", line);
	fflush(out);
}

static void
take_data(FILE *in, FILE *box)
{
	char line[2048];
	fprintf(box, "From monitord-demo\n");
	while (fgets(line, sizeof line, in) != NULL && strcmp(line, ".\r\n") != 0) {
		line[strcspn(line, "\r\n")] = '\0';
		fprintf(box, "%s\n", line[0] == '.' ? line + 1 : line);
	}
	fprintf(box, "\n");
	fflush(box);
}

static void
session(FILE *in, FILE *out, const char *mailbox)
{
	char line[2048];
	say(out, "220 sink ESMTP");
	while (fgets(line, sizeof line, in) != NULL) {
		if (strncasecmp(line, "DATA", 4) == 0) {
			FILE *box = fopen(mailbox, "ae");
			say(out, box != NULL ? "354 go on" : "451 no mailbox");
			if (box == NULL)
				continue;
			take_data(in, box);
			fclose(box);
			say(out, "250 taken");
		} else if (strncasecmp(line, "QUIT", 4) == 0) {
			say(out, "221 bye");
			return;
		} else {
			say(out, "250 ok");
		}
	}
}

int
demo_sink(int argc, char **argv)
{
	(void)argc;
	int listener = demo_listen((unsigned)atoi(argv[0]));
	for (;;) {
		int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		struct timeval limit = { .tv_sec = 5 };
		if (fd == -1)
			continue;
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
		FILE *in = fdopen(fd, "r"), *out = fdopen(dup(fd), "w");
		if (in != NULL && out != NULL)
			session(in, out, argv[1]);
		if (in != NULL)
			fclose(in);
		if (out != NULL)
			fclose(out);
	}
}
