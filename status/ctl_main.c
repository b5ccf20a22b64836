/* monitorctl: asks monitord, and tells it what to do, over the status socket. */
#include <config.h>

#include "status/ctl.h"

#include "base/log.h"

#include <curl/curl.h>
#include <getopt.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>

static enum ctl_exit ctl_names(struct ctl *ctl);

#define NAMES_OF                                                                         \
	"all | services | families | groups | checks | routes | rules | chains | "       \
	"backends | contacts | incidents | commands | options"

static const struct row {
	const char *word;
	int least, most; /* names; -1: any number */
	enum ctl_exit (*run)(struct ctl *ctl);
	enum ctl_exit (*verb)(struct ctl *ctl, const char *verb);
	const char *names;
} command_table[] = {
	{ "status", 0, -1, ctl_status, NULL, "[NAME ...]" },
	{ "start", 1, -1, NULL, ctl_services, "SERVICE ..." },
	{ "stop", 1, -1, NULL, ctl_services, "SERVICE ..." },
	{ "restart", 1, -1, NULL, ctl_services, "SERVICE ..." },
	{ "reload", 0, -1, NULL, NULL, "[SERVICE ...]" },
	{ "hold", 1, -1, NULL, ctl_services, "SERVICE ..." },
	{ "release", 1, -1, NULL, ctl_services, "SERVICE ..." },
	{ "drain", 1, -1, NULL, ctl_services, "SERVICE ..." },
	{ "undrain", 1, -1, NULL, ctl_services, "SERVICE ..." },
	{ "reroute", 1, 2, NULL, ctl_route, "ROUTE [BACKEND] [--for 2h]" },
	{ "restore", 1, 1, NULL, ctl_route, "ROUTE" },
	{ "events", 0, 0, ctl_events, NULL, "" },
	{ "incidents", 0, 0, ctl_incidents, NULL, "[--all] [--since 30d] [--until T]" },
	{ "ack", 1, 1, ctl_ack, NULL, "ID [--why TEXT] [--who NAME]" },
	{ "silence", 1, 1, ctl_silence, NULL, "NAME --for 2h --reason TEXT" },
	{ "unsilence", 1, 1, ctl_unsilence, NULL, "NAME" },
	{ "explain", 1, 1, ctl_explain, NULL, "NAME" },
	{ "import", 1, 1, ctl_import, NULL, "MONITRC" },
	{ "top", 0, 0, ctl_top, NULL, "" },
	{ "names", 1, 1, ctl_names, NULL, NAMES_OF },
	{ "graph", 1, 2, ctl_graph, NULL, "NAME [METRIC]" },
	{ "availability", 1, -1, ctl_availability, NULL, "NAME ..." },
	{ "test", 1, 1, ctl_test, NULL, "CONTACT" },
	{ "check", 2, 2, ctl_check, NULL, "FILE NAME" },
	{ "replay", 1, 1, ctl_replay, NULL, "FILE [--since 7d] [--json]" },
};

static void
usage(FILE *out)
{
	fputs("usage: monitorctl [-s SOCKET] COMMAND\n"
	      "  status [NAME ...] [--json] [--watch]     how things are\n"
	      "  top                                      the same, on the whole screen\n"
	      "  start | stop | restart | reload | hold | release | drain | undrain "
	      "SERVICE ... [--no-wait]\n"
	      "                                           hold --for 2h; SERVICE may be a chain, or "
	      "all\n"
	      "  reroute ROUTE [BACKEND] | restore ROUTE  move traffic by hand, maybe --for 2h, "
	      "and back\n"
	      "  events [--follow] [--since T] [--json]   what happened; T: id, 10m, or "
	      "a time\n"
	      "  incidents [--all] [--since T] [--until T] [--json]\n"
	      "                                           what is wrong now, or was\n"
	      "  ack ID [--why TEXT] [--who NAME]         somebody has taken it\n"
	      "  silence NAME --for 2h --reason TEXT      it may stay quiet; unsilence NAME "
	      "ends it\n"
	      "  explain NAME                             why it is in the state it is "
	      "in\n"
	      "  graph NAME [METRIC] [--since T] [--until T] [--json]\n"
	      "                                           history, drawn; without METRIC: which there are\n"
	      "  availability NAME ... [--month 2026-11] [--json]\n"
	      "  import MONITRC                           a Monit control file as a rule file\n"
	      "  names all | services | checks | ...      names, one a line\n"
	      "  reload                                   read the rule files again\n"
	      "  test CONTACT                             send a test alert\n"
	      "  check FILE NAME                          run one check once, and show each phase\n"
	      "  replay FILE [--since 7d] [--json]        what these rules would have done\n"
	      "exit: 0 done or all up, 1 no daemon, 2 wrong use, 3 not reached or not "
	      "up,\n"
	      "      4 no such name, 5 not allowed\n",
	      out);
}

static enum ctl_exit
run(struct ctl *ctl, const char *word)
{
	for (size_t i = 0; i < sizeof command_table / sizeof *command_table; i++) {
		const struct row *row = &command_table[i];
		if (strcmp(row->word, word) != 0)
			continue;
		ctl->word = row->word;
		if (ctl->count < row->least ||
		    (row->most >= 0 && ctl->count > row->most)) {
			fprintf(stderr, "usage: monitorctl %s %s\n", word, row->names);
			return CTL_WRONG_USE;
		}
		if (ctl->span != NULL && strcmp(word, "hold") != 0 &&
		    strcmp(word, "silence") != 0 && strcmp(word, "reroute") != 0) {
			fputs("monitorctl: --for is for hold, silence and reroute\n",
			      stderr);
			return CTL_WRONG_USE;
		}
		if (strcmp(word, "reload") == 0)
			return ctl->count == 0 ? ctl_reload(ctl)
					       : ctl_services(ctl, word);
		return row->run != NULL ? row->run(ctl) : row->verb(ctl, word);
	}
	fprintf(stderr, "monitorctl: no such command: %s (see monitorctl --help)\n",
		word);
	return CTL_WRONG_USE;
}

enum { OPTION_JSON = 256, OPTION_WATCH, OPTION_FOLLOW, OPTION_SINCE, OPTION_WAIT, OPTION_NO_WAIT, OPTION_FOR, OPTION_UNTIL, OPTION_MONTH,
       OPTION_WHY, OPTION_WHO, OPTION_ALL };

static const struct option longs[] = {
	{ "json", no_argument, NULL, OPTION_JSON },
	{ "all", no_argument, NULL, OPTION_ALL },
	{ "watch", no_argument, NULL, OPTION_WATCH },
	{ "follow", no_argument, NULL, OPTION_FOLLOW },
	{ "since", required_argument, NULL, OPTION_SINCE },
	{ "wait", no_argument, NULL, OPTION_WAIT },
	{ "no-wait", no_argument, NULL, OPTION_NO_WAIT },
	{ "until", required_argument, NULL, OPTION_UNTIL },
	{ "month", required_argument, NULL, OPTION_MONTH },
	{ "for", required_argument, NULL, OPTION_FOR },
	{ "why", required_argument, NULL, OPTION_WHY },
	{ "reason", required_argument, NULL, OPTION_WHY },
	{ "who", required_argument, NULL, OPTION_WHO },
	{ "socket", required_argument, NULL, 's' },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ NULL, 0, NULL, 0 },
};

/* True: go on; false: *code is how to end. */
static bool
options(struct ctl *ctl, int argc, char **argv, enum ctl_exit *code)
{
	int option;
	*code = CTL_DONE;
	while ((option = getopt_long(argc, argv, "s:fh", longs, NULL)) != -1)
		switch (option) {
		case 's':
			ctl->socket = optarg;
			break;
		case OPTION_JSON:
			ctl->json = true;
			break;
		case OPTION_ALL:
			ctl->all = true;
			break;
		case OPTION_WATCH:
			ctl->watch = true;
			break;
		case 'f':
		case OPTION_FOLLOW:
			ctl->follow = true;
			break;
		case OPTION_SINCE:
			ctl->since = optarg;
			break;
		case OPTION_WAIT: /* as it is anyhow; the last one counts */
			ctl->no_wait = false;
			break;
		case OPTION_NO_WAIT:
			ctl->no_wait = true;
			break;
		case OPTION_UNTIL:
			ctl->until = optarg;
			break;
		case OPTION_MONTH:
			ctl->month = optarg;
			break;
		case OPTION_FOR:
			ctl->span = optarg;
			break;
		case OPTION_WHY:
			ctl->why = optarg;
			break;
		case OPTION_WHO:
			ctl->who = optarg;
			break;
		case 'h':
			usage(stdout);
			return false;
		case 'V':
			puts("monitorctl " PACKAGE_VERSION);
			return false;
		default:
			fputs("monitorctl: see monitorctl --help\n", stderr);
			*code = CTL_WRONG_USE;
			return false;
		}
	return true;
}

/* ---- names: for completion, and for scripts ---- */

static void
print_names(const json_t *objects)
{
	size_t i;
	json_t *o;
	json_array_foreach(objects, i, o) puts(text_of(o, "name"));
}

/* The numbers of those that are open. */
static enum ctl_exit
print_numbers(struct ctl *ctl)
{
	enum ctl_exit code;
	size_t i;
	json_t *o, *list = http_json(ctl, "/v1/incidents", &code);
	json_array_foreach(list, i, o) if (strcmp(text_of(o, "state"), "closed") != 0)
		printf("%.0f\n", number_of(o, "id"));
	json_decref(list);
	return code;
}

static enum ctl_exit
print_contacts(struct ctl *ctl)
{
	enum ctl_exit code;
	json_t *list = http_json(ctl, "/v1/contacts", &code);
	print_names(list);
	json_decref(list);
	return code;
}

static void
print_once(json_t *seen, const char *mark, const char *name)
{
	if (*name == '\0' || json_object_get(seen, name) != NULL)
		return;
	json_object_set_new(seen, name, json_true());
	printf("%s%s\n", mark, name);
}

/* What stands for several services: a family, or a group as @NAME. */
static void
print_shared(const json_t *status, bool groups)
{
	json_t *seen = json_object(), *o, *x;
	size_t i, k;
	json_array_foreach(json_object_get(status, "services"), i, o)
	{
		if (!groups)
			print_once(seen, "", text_of(o, "family"));
		json_array_foreach(json_object_get(o, "groups"), k, x)
		{
			if (groups)
				print_once(seen, "@", json_string_value(x));
		}
	}
	json_decref(seen);
}

static void
print_backends(const json_t *status)
{
	size_t i;
	json_t *route;
	json_array_foreach(json_object_get(status, "routes"), i, route)
		print_names(json_object_get(route, "backends"));
}

/* Without a daemon. True: it was one of these. */
static bool
print_own(const char *what)
{
	bool commands = strcmp(what, "commands") == 0;
	for (size_t n = 0; commands && n < sizeof command_table / sizeof *command_table;
	     n++)
		puts(command_table[n].word);
	if (!commands && strcmp(what, "options") != 0)
		return false;
	for (size_t n = 0; !commands && longs[n].name != NULL; n++)
		printf("--%s\n", longs[n].name);
	return true;
}

static enum ctl_exit
ctl_names(struct ctl *ctl)
{
	static const char *const lists[] = { "services", "checks", "routes", "rules",
					     "chains" };
	const char *what = ctl->names[0];
	bool all = strcmp(what, "all") == 0, groups = strcmp(what, "groups") == 0,
	     families = strcmp(what, "families") == 0,
	     backends = strcmp(what, "backends") == 0;
	bool known = all || groups || families || backends;
	enum ctl_exit code;
	if (print_own(what))
		return CTL_DONE;
	if (strcmp(what, "incidents") == 0)
		return print_numbers(ctl);
	if (strcmp(what, "contacts") == 0)
		return print_contacts(ctl);
	for (size_t n = 0; n < sizeof lists / sizeof *lists; n++)
		known = known || strcmp(what, lists[n]) == 0;
	if (!known) {
		fprintf(stderr, "usage: monitorctl names " NAMES_OF "\n");
		return CTL_WRONG_USE;
	}
	json_t *status = http_json(ctl, "/v1/status", &code);
	if (status == NULL)
		return code;
	for (size_t n = 0; n < sizeof lists / sizeof *lists; n++)
		if (all || strcmp(what, lists[n]) == 0)
			print_names(json_object_get(status, lists[n]));
	if (groups || families)
		print_shared(status, groups);
	if (backends)
		print_backends(status);
	json_decref(status);
	return CTL_DONE;
}

int
main(int argc, char **argv)
{
	struct ctl ctl = { .socket = RUNSTATEDIR "/monitord/status.sock" };
	enum ctl_exit code;
	log_fill();
	setlocale(LC_CTYPE, "");
	if (!options(&ctl, argc, argv, &code))
		return code;
	if (optind == argc) {
		usage(stderr);
		return CTL_WRONG_USE;
	}
	ctl.names = argv + optind + 1;
	ctl.count = argc - optind - 1;
	curl_global_init(CURL_GLOBAL_DEFAULT);
	code = run(&ctl, argv[optind]);
	curl_global_cleanup();
	return code;
}
