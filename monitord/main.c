/* monitord: watches, repairs, reroutes and tells. */
#include <config.h>

#include "monitord/daemon.h"

#include "monitord/absent.h"
#include "monitord/spawn.h"

#include "base/log.h"
#include "base/text.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static void
usage(FILE *out)
{
	fprintf(out,
		"usage: monitord [--dry-run] [-c FILE]         runs in the foreground\n"
		"       monitord -t [-v | --json] [-c FILE]    checks the rule files: 0, or 1 and their mistakes\n"
		"  -c FILE    main rule file (%s/monitord/monitord.ini)\n"
		"  -v, --verbose   -t: shows each line, and marks what is wrong\n"
		"  --json     -t: mistakes as JSON, for editors\n"
		"  --dry-run  tells what it would do, and does nothing\n"
		"  -h, --help; --version\n",
		SYSCONFDIR);
}

/* Reloads, and paths that are relative to the file, outlast the folder we are in. */
static const char *
absolute(const char *path)
{
	static char out[PATH_MAX];
	char folder[PATH_MAX];
	if (*path == '/' || getcwd(folder, sizeof folder) == NULL)
		return path;
	text_print(out, sizeof out, "%s/%s", folder, path);
	return out;
}

static int
run(const char *path, bool dry_run)
{
	static struct core core;
	static char text[65536];
	struct rlimit files;
	int bundle = -1;
	log_unblock();
	log_open("monitord");
	path = absolute(path);
	core.path = path;
	core.privileged = geteuid() == 0;
	core.rules = rules_load(path, core.privileged, &bundle, text, sizeof text);
	fputs(text, stderr);
	if (core.rules == NULL)
		return 1;
	core.dry_run = dry_run;
	core.rules->settings.dry_run |= dry_run;
	core.bundle = bundle;
	signal(SIGPIPE, SIG_IGN);
	umask(022);
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		spawn_begin(&files); /* services get what we were given */
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	bool good = daemon_begin(&core, text);
	if (good)
		loop_run(core.loop);
	else
		log_error("%s", text);
	daemon_end(&core);
	return good ? 0 : 1;
}

static enum test_form
form_of(bool json, bool verbose)
{
	return json                               ? TEST_JSON
	       : verbose || isatty(STDOUT_FILENO) ? TEST_MARKS
						  : TEST_LINES;
}

int
main(int argc, char **argv)
{
	static const struct option longs[] = { { "help", no_argument, NULL, 'h' },
					       { "version", no_argument, NULL, 'V' },
					       { "dry-run", no_argument, NULL, 'n' },
					       { "json", no_argument, NULL, 'j' },
					       { "verbose", no_argument, NULL, 'v' },
					       { NULL, 0, NULL, 0 } };
	const char *path = SYSCONFDIR "/monitord/monitord.ini";
	bool test = false, verbose = false, dry_run = false, json = false;
	int option;
	log_fill();
	while ((option = getopt_long(argc, argv, "c:tvh", longs, NULL)) != -1)
		switch (option) {
		case 'c':
			path = optarg;
			break;
		case 't':
			test = true;
			break;
		case 'v':
			verbose = true;
			break;
		case 'j':
			json = true;
			break;
		case 'n':
			dry_run = true;
			break;
		case 'h':
			usage(stdout);
			return 0;
		case 'V':
			puts("monitord " PACKAGE_VERSION);
			return 0;
		default:
			usage(stderr);
			return 2;
		}
	if (optind < argc || (json && !test)) {
		usage(stderr);
		return 2;
	}
	if (test)
		return rules_test(path, geteuid() == 0, form_of(json, verbose),
				  absent_find, stdout)
			       ? 0
			       : 1;
	return run(path, dry_run);
}
