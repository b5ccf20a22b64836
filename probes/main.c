#include "probes/probes.h"

#include "base/log.h"
#include "rules/parse.h"

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
	bool net = argc == 2 && strcmp(argv[1], "net") == 0;
	if (!net && (argc != 2 || strcmp(argv[1], "local") != 0)) {
		log_open("monitord-probes", false);
		log_error("usage: monitord-probes net|local (monitord starts it)");
		return 2;
	}
	log_open(net ? "monitord-net" : "monitord-local", false);
	raise_limit();
	return net ? net_main() : local_main();
}
