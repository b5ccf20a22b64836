/* How a process ended: of children by wait, of others by what the kernel keeps of them. */
#include "base/text.h"
#include "monitord/process_state.h"

#include <fcntl.h>
#include <stdio.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* How a process that is no child of ours ended: field 52 of its zombie's stat (proc(5)). */
static int
foreign_status(pid_t pid)
{
	char path[64], text[1024];
	text_print(path, sizeof path, "/proc/%d/stat", pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd != -1 ? read(fd, text, sizeof text - 1) : -1;
	if (fd != -1)
		close(fd);
	text[n > 0 ? n : 0] = '\0';
	char *p = strrchr(text, ')');
	if (p == NULL || p[2] != 'Z')
		return -1;
	for (int field = 2; field < 52 && p != NULL; field++)
		p = strchr(p + 1, ' ');
	return p != NULL ? atoi(p + 1) : -1;
}

void
death_read(struct process *p, struct event *e)
{
	siginfo_t info = { 0 };
	e->code = -1;
	if (waitid((idtype_t)P_PIDFD, (id_t)p->pidfd, &info, WEXITED | WNOHANG) == 0 && info.si_pid != 0) {
		if (info.si_code == CLD_EXITED) {
			e->code = info.si_status;
		} else {
			e->signal = info.si_status;
			e->core_dumped = info.si_code == CLD_DUMPED;
		}
		return;
	}
	int status = foreign_status(p->pid);
	if (status == -1)
		return;
	if (WIFEXITED(status)) {
		e->code = WEXITSTATUS(status);
	} else if (WIFSIGNALED(status)) {
		e->signal = WTERMSIG(status);
		e->core_dumped = WCOREDUMP(status);
	}
}

