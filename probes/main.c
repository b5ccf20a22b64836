#include "probes/probes.h"

#include "base/log.h"
#include "probes/hand.h"
#include "rules/parse.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

struct rules *
probes_load(int fd)
{
	struct rules *new = rules_from_fd(fd);
	if (new == NULL) {
		log_error("the rules cannot be taken");
		exit(1);
	}
	return new;
}

void
probes_out_of_memory(void)
{
	log_error("out of memory");
	exit(1);
}

/* Each exchange is a descriptor: as many as the kernel lets us have. */
static void
raise_limit(void)
{
	struct rlimit l;
	if (getrlimit(RLIMIT_NOFILE, &l) == 0) {
		l.rlim_cur = l.rlim_max;
		setrlimit(RLIMIT_NOFILE, &l);
	}
}

int
main(int argc, char **argv)
{
	const char *word = argc > 1 ? argv[1] : "";
	bool net = argc == 2 && strcmp(word, "net") == 0;
	raise_limit();
	if (argc == 4 && strcmp(word, "check") == 0) {
		log_open("monitord-probes");
		return hand_main(argv[2], argv[3]);
	}
	if (!net && (argc != 2 || strcmp(word, "local") != 0)) {
		fputs("usage: monitord-probes check FILE NAME   one check, once, with each "
		      "phase\n"
		      "       monitord-probes net|local         (monitord starts it)\n",
		      stderr);
		return 2;
	}
	log_open(net ? "monitord-net" : "monitord-local");
	return net ? net_main() : local_main();
}
