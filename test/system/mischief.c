/* mischief DIR: serves each manner of the table on a loopback port of its own until it is
 * ended, at most five minutes, and writes into DIR: checks.ini, the sections of monitord;
 * expected, lines of "NAME STATE WORDS"; ports, lines of "NAME PORT KIND STATE". */
#include "test/system/mischief.h"

#include <arpa/inet.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define LIFE_S 300
#define MANNERS_MAX 256

static struct served {
	const struct manner *manner;
	SSL_CTX *context;
	int listener;
} served[MANNERS_MAX];

struct guest {
	const struct served *served;
	int fd;
	SSL *ssl;
};

static bool
say(struct guest *g, const char *bytes, size_t size)
{
	while (size > 0) {
		ssize_t n = g->ssl != NULL ? SSL_write(g->ssl, bytes, (int)size)
					   : send(g->fd, bytes, size, MSG_NOSIGNAL);
		if (n <= 0)
			return false;
		bytes += n;
		size -= (size_t)n;
	}
	return true;
}

static bool
hear(struct guest *g)
{
	char request[65536];
	return (g->ssl != NULL ? SSL_read(g->ssl, request, sizeof request)
			       : recv(g->fd, request, sizeof request, 0)) > 0;
}

static void
hold(struct guest *g)
{
	while (hear(g))
		continue;
}

static void
reset(struct guest *g)
{
	static const struct linger now = { .l_onoff = 1 };
	usleep(20000); /* what was said before is read */
	setsockopt(g->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

static void
answer(struct guest *g)
{
	const struct manner *m = g->served->manner;
	if (m->end == END_SLOW)
		usleep(300000);
	if (m->end == END_DRIP) {
		for (size_t i = 0; i < m->size && say(g, m->bytes + i, 1); i++)
			usleep(50000);
		return;
	}
	if (!say(g, m->bytes, m->size))
		return;
	if (m->end == END_FLOOD)
		while (say(g, m->bytes + m->size - 10, 10))
			continue;
	if (m->end == END_HOLD || m->end == END_AT_ONCE)
		hold(g);
	if (m->end == END_RESET)
		reset(g);
}

static bool
secure(struct guest *g)
{
	enum secure s = g->served->manner->secure;
	if (s == TLS_START || s == TLS_INJECT) {
		const char *go =
			s == TLS_START ? "220 go\r\n" : "220 go\r\n250 not safe\r\n";
		if (!say(g, "220 hello\r\n", 11) || !hear(g) || !say(g, go, strlen(go)))
			return false;
	}
	if (s != PLAIN) {
		g->ssl = SSL_new(g->served->context);
		SSL_set_fd(g->ssl, g->fd);
		if (SSL_accept(g->ssl) != 1)
			return false;
		if (SSL_session_reused(g->ssl)) {
			printf("resumed %s\n", g->served->manner->name);
			fflush(stdout);
		}
	}
	return true;
}

static bool
shake_again(struct guest *g)
{
	return SSL_renegotiate(g->ssl) == 1 && SSL_do_handshake(g->ssl) == 1 && hear(g);
}

static void *
serve(void *arg)
{
	struct guest *g = arg;
	const struct manner *m = g->served->manner;
	if (secure(g) && (m->end == END_AT_ONCE || hear(g)) &&
	    (m->secure != TLS_AGAIN || shake_again(g)))
		answer(g);
	if (g->ssl != NULL && m->secure != TLS_CUT)
		SSL_shutdown(g->ssl);
	SSL_free(g->ssl);
	close(g->fd);
	free(g);
	return NULL;
}

static unsigned
listen_anywhere(struct served *s)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
				 .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t size = sizeof a;
	s->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (s->listener == -1 ||
	    bind(s->listener, (struct sockaddr *)&a, sizeof a) != 0 ||
	    (s->manner->bytes != NULL && listen(s->listener, 128) != 0) ||
	    getsockname(s->listener, (struct sockaddr *)&a, &size) != 0) {
		perror("mischief");
		exit(1);
	}
	return ntohs(a.sin_port);
}

static FILE *
file(const char *dir, const char *name)
{
	char path[512];
	snprintf(path, sizeof path, "%s/%s", dir, name);
	FILE *f = fopen(path, "we");
	if (f == NULL)
		exit(1);
	return f;
}

static void
begin(const char *dir)
{
	FILE *checks = file(dir, "checks.ini"), *expected = file(dir, "expected"),
	     *ports = file(dir, "ports");
	for (size_t i = 0; i < manner_count; i++) {
		const struct manner *m = &manners[i];
		const char *kind = m->kind != NULL      ? m->kind
				   : m->secure == PLAIN ? "http"
							: "https";
		bool http = strncmp(kind, "http", 4) == 0;
		served[i].manner = m;
		if (m->secure != PLAIN)
			served[i].context = certificates_context(m->secure);
		unsigned port = listen_anywhere(&served[i]);
		fprintf(checks, "[check %s]\n%s = %s%s127.0.0.1:%u%s\n%s\n\n", m->name,
			kind, http ? kind : "", http ? "://" : "", port, http ? "/x" : "",
			m->lines);
		fprintf(expected, "%s %s %s\n", m->name, m->state, m->why);
		fprintf(ports, "%s %u %s %s\n", m->name, port, kind, m->state);
	}
	fclose(checks);
	fclose(expected);
	fclose(ports);
}

static void
welcome(struct served *s)
{
	pthread_t thread;
	struct guest *g = calloc(1, sizeof *g);
	if (g == NULL)
		exit(1);
	*g = (struct guest){ .served = s, .fd = accept(s->listener, NULL, NULL) };
	if (g->fd == -1 || pthread_create(&thread, NULL, serve, g) != 0) {
		if (g->fd != -1)
			close(g->fd);
		free(g);
		return;
	}
	pthread_detach(thread);
}

int
main(int argc, char **argv)
{
	static struct pollfd polled[MANNERS_MAX];
	if (argc != 2 || manner_count > MANNERS_MAX) {
		fprintf(stderr, "usage: mischief DIR\n");
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	alarm(LIFE_S);
	certificates_make(argv[1]);
	begin(argv[1]);
	puts("ready");
	fflush(stdout);
	for (size_t i = 0; i < manner_count; i++)
		polled[i] = (struct pollfd){ .fd = manners[i].bytes != NULL
							   ? served[i].listener
							   : -1,
					     .events = POLLIN };
	for (;;) {
		poll(polled, manner_count, -1);
		for (size_t i = 0; i < manner_count; i++)
			if ((polled[i].revents & POLLIN) != 0)
				welcome(&served[i]);
	}
}
