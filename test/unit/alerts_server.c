#include "test/unit/alerts_server.h"

#include "base/clock.h"
#include "base/text.h"

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static bool
run(const char *command)
{
	return system(command) == 0; /* fixed commands of this file only */
}

bool
servers_possible(void)
{
	return run(
		"python3 -c 'import ssl' 2>/dev/null && openssl version >/dev/null 2>&1");
}

static bool
make_certificate(void)
{
	return run(
		"openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem "
		"-days 2 "
		"-subj /CN=localhost -addext subjectAltName=DNS:localhost,IP:127.0.0.1 "
		">/dev/null 2>&1");
}

static void
child(int in, int out, const char *script, const char *folder, bool tls)
{
	dup2(in, 0);
	dup2(out, 1);
	close_range(3, ~0u, 0);
	execlp("python3", "python3", script, folder, tls ? "cert.pem" : NULL, "key.pem",
	       (char *)NULL);
	_exit(127);
}

bool
servers_begin(struct servers *s, bool tls)
{
	const char *source = getenv("MONITORD_SOURCE");
	char name[512], script[PATH_MAX], line[64] = "";
	int in[2], out[2];
	text_print(name, sizeof name, "%s/test/unit/alerts_server.py",
		   source != NULL ? source : ".");
	if (realpath(name, script) == NULL)
		return false;
	text_print(s->folder, sizeof s->folder, "/tmp/monitord-alerts.XXXXXX");
	if (mkdtemp(s->folder) == NULL || chdir(s->folder) != 0 ||
	    (tls && !make_certificate()))
		return false;
	if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0)
		return false;
	s->pid = fork();
	if (s->pid == 0)
		child(in[0], out[1], script, s->folder, tls);
	close(in[0]);
	close(out[1]);
	s->hold = in[1];
	FILE *f = fdopen(out[0], "re");
	bool good = f != NULL && fgets(line, sizeof line, f) != NULL &&
		    sscanf(line, "%u %u %u", &s->smtp, &s->http, &s->black) == 3;
	if (f != NULL)
		fclose(f);
	return good;
}

void
servers_end(struct servers *s)
{
	char command[128];
	close(s->hold);
	waitpid(s->pid, NULL, 0);
	text_print(command, sizeof command, "rm -rf %s", s->folder);
	if (chdir("/") != 0 || !run(command))
		fprintf(stderr, "%s remains\n", s->folder);
}

unsigned
servers_lines(const char *file, char *out, size_t cap)
{
	unsigned n = 0;
	FILE *f = fopen(file, "re");
	size_t size = f != NULL ? fread(out, 1, cap - 1, f) : 0;
	out[size] = '\0';
	if (f != NULL)
		fclose(f);
	for (size_t i = 0; i < size; i++)
		n += out[i] == '\n';
	return n;
}

bool
servers_await(const char *file, unsigned lines, char *out, size_t cap)
{
	struct timespec pause = { .tv_nsec = 20000000 };
	for (int64_t end = clock_ms() + 30000; clock_ms() < end; nanosleep(&pause, NULL))
		if (servers_lines(file, out, cap) >= lines)
			return true;
	return false;
}
