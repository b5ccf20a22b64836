#include "alerts/delivery.h"

#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define PIPE_FD 3 /* in the child; in its parent this is the channel to monitord */

void
job_free(struct job *j)
{
	for (uint32_t i = 0; i < j->to_count; i++)
		free(j->to[i]);
	for (uint32_t i = 0; i < RECIPIENTS_MAX; i++) {
		free(j->requests[i].content);
		free(j->requests[i].then);
		free(j->requests[i].url);
		if (j->requests[i].headers != NULL) /* the key may stand there */
			explicit_bzero(j->requests[i].headers,
				       strlen(j->requests[i].headers));
		free(j->requests[i].headers);
	}
	for (char **word = j->argv; word != NULL && *word != NULL; word++)
		free(*word);
	free(j->argv);
	for (size_t i = 0; i < sizeof j->words / sizeof *j->words; i++)
		free(j->words[i]);
	free(j->members);
	free(j->items);
	for (size_t i = 0; i < LETTER_DETAILED; i++)
		free(j->details[i]);
	free(j->server);
	free(j->content);
	free(j->sender);
	free(j->user);
	if (j->password != NULL)
		explicit_bzero(j->password, strlen(j->password));
	free(j->password);
	free(j->ca);
	*j = (struct job){ 0 };
}

void
answer_put(int fd, int index, int code, int wait_s, const char *text)
{
	struct answer a;
	memset(&a, 0, sizeof a);
	a.index = index;
	a.code = code;
	a.wait_s = wait_s;
	text_clean(a.text, sizeof a.text, text, strlen(text));
	while (write(fd, &a, sizeof a) == -1 && errno == EINTR)
		;
}

static unsigned
seconds_of(const struct job *j)
{
	return j->argv != NULL ? j->run_s + 2
	       : j->page       ? PAGE_SECONDS * (2 * j->to_count + 1)
			       : MAIL_SECONDS;
}

static void
child(const struct job *job, int fd, pid_t parent)
{
	struct sigaction dfl = { .sa_handler = SIG_DFL };
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent || dup2(fd, PIPE_FD) == -1)
		_exit(1);
	close_range(PIPE_FD + 1, ~0u, 0);
	sigaction(SIGALRM, &dfl, NULL); /* our end, should all else stall */
	if (job->argv != NULL)
		command_deliver(job, PIPE_FD);
	else if (job->page)
		page_deliver(job, PIPE_FD);
	else
		mail_deliver(job, PIPE_FD);
	_exit(0);
}

static void
finish(struct delivery *d)
{
	loop_io_stop(&d->io);
	loop_timer_stop(&d->timer);
	close(d->fd);
	d->fd = -1;
	kill(d->pid, SIGKILL); /* our own child, not yet waited for; it closed the pipe,
				  so it ends */
	waitpid(d->pid, NULL, 0);
	d->pid = 0;
	d->done(d);
}

static void
on_answer(struct loop_io *io, unsigned events)
{
	struct delivery *d = io->arg;
	struct answer a;
	(void)events;
	ssize_t n = read(d->fd, &a, sizeof a);
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n != (ssize_t)sizeof a) {
		finish(d);
		return;
	}
	a.text[sizeof a.text - 1] = '\0';
	if (a.index == ANSWER_SESSION)
		d->session = a;
	else if (a.index >= 0 && (uint32_t)a.index < d->job.to_count)
		d->answers[a.index] = a;
}

/* The pipe's end, which the kill brings, finishes it. */
static void
on_late(struct loop_timer *timer)
{
	struct delivery *d = timer->arg;
	d->late = true;
	kill(d->pid, SIGKILL);
}

bool
delivery_start(struct loop *loop, struct delivery *d, void (*done)(struct delivery *),
	       void *arg)
{
	int fds[2];
	pid_t parent = getpid();
	if (pipe2(fds, O_CLOEXEC) != 0)
		return false;
	memset(&d->session, 0, sizeof d->session);
	memset(d->answers, 0, sizeof d->answers);
	d->late = false;
	pid_t pid = fork();
	if (pid == 0)
		child(&d->job, fds[1], parent);
	close(fds[1]);
	if (pid == -1) {
		close(fds[0]);
		return false;
	}
	fcntl(fds[0], F_SETFL, O_NONBLOCK);
	d->pid = pid;
	d->fd = fds[0];
	d->done = done;
	d->arg = arg;
	loop_io_start(loop, &d->io, d->fd, LOOP_READ, on_answer, d);
	loop_timer_start(loop, &d->timer, (int64_t)seconds_of(&d->job) * 1000, 0, on_late,
			 d);
	return true;
}
