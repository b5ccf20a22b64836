/* monitord-desktop: tells the user of a desktop what monitord tells a contact: one bubble an
 * incident, which its later news replace. It runs as the user, reads the event stream of the
 * status socket in a thread, and keeps of each incident the newest news only: a notification
 * daemon that hangs delays bubbles and nothing else. */
#include <config.h>

#include "alerts/feed.h"
#include "base/text.h"

#include <curl/curl.h>
#include <getopt.h>
#include <jansson.h>
#include <libnotify/notify.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONTACTS_MAX 32
#define BUBBLES_MAX 128 /* of open incidents; the oldest goes */
#define AGAIN_S 5	/* after a notification daemon that refused */
#define OVER_MS 10000	/* so long it is shown that something is over */

struct bubble {
	uint64_t incident;
	char title[200], text[JOURNAL_TEXT];
	bool warning; /* nothing of it is worse */
	bool worse;   /* or something is */
	bool told, over, taken;
	bool dirty;
	NotifyNotification *shown; /* the main thread's; NULL: not yet */
};

struct desktop {
	GMainLoop *loop;
	GMutex mutex; /* over bubbles and quiet */
	GQueue bubbles;
	bool quiet; /* what happened before we came is only remembered */
	const char *socket, *url;
	const char *contacts[CONTACTS_MAX];
	unsigned contact_count;
	bool refused; /* told of */
};

struct order { /* what a click asks for, in a thread of its own */
	const struct desktop *desktop;
	uint64_t incident;
};

/* ---- news, in the feed's thread ---- */

static bool
concerns(const struct desktop *d, const char *to)
{
	char list[JOURNAL_TO], *rest = list, *name;
	bool mine = false;
	text_print(list, sizeof list, "%s", to);
	while ((name = strsep(&rest, ",")) != NULL) {
		mine = mine || (d->contact_count == 0 && *name != '\0');
		for (unsigned i = 0; i < d->contact_count; i++)
			mine = mine || strcmp(d->contacts[i], name) == 0;
	}
	return mine;
}

static struct bubble *
bubble_of(struct desktop *d, uint64_t incident)
{
	for (GList *l = d->bubbles.head; l != NULL; l = l->next)
		if (((struct bubble *)l->data)->incident == incident)
			return l->data;
	struct bubble *b = g_new0(struct bubble, 1);
	b->incident = incident;
	g_queue_push_tail(&d->bubbles, b);
	struct bubble *oldest = d->bubbles.head->data;
	if (d->bubbles.length > BUBBLES_MAX) {
		oldest->over = oldest->dirty = true;
		oldest->title[0] = '\0';
	}
	return b;
}

static gboolean show_all(gpointer arg);

static void
note_severity(struct bubble *b, const char *kind)
{
	static const char *const worse[] = { "check-down",     "service-exited",
					     "service-failed", "start-failed",
					     "route-stuck",    "rule-fired" };
	b->warning = b->warning || strcmp(kind, "check-degraded") == 0 ||
		     strcmp(kind, "check-unknown") == 0;
	for (size_t i = 0; i < sizeof worse / sizeof *worse; i++)
		b->worse = b->worse || strcmp(kind, worse[i]) == 0;
}

static void
on_line(void *arg, const struct journal_line *l)
{
	struct desktop *d = arg;
	bool close = strcmp(l->kind, "incident-close") == 0,
	     ack = strcmp(l->kind, "incident-ack") == 0;
	if (l->incident == 0)
		return;
	g_mutex_lock(&d->mutex);
	struct bubble *b = bubble_of(d, l->incident);
	note_severity(b, l->kind);
	bool news =
		(l->to[0] != '\0' && concerns(d, l->to)) || (b->told && (close || ack));
	if (news) {
		b->over = close;
		b->taken = ack;
		text_print(b->title, sizeof b->title, "%s: %s", l->object,
			   close                     ? "over"
			   : ack                     ? "acknowledged"
			   : b->worse || !b->warning ? "problem"
						     : "warning");
		text_print(b->text, sizeof b->text, "%s", l->text);
		b->dirty = true;
	} else if (close) {
		b->over = b->dirty = true;
		b->title[0] = '\0'; /* it goes without a word */
	}
	b->told = b->told || (news && !close);
	bool show = b->dirty && !d->quiet;
	g_mutex_unlock(&d->mutex);
	if (show)
		g_idle_add(show_all, d);
}

static void
on_caught_up(void *arg)
{
	struct desktop *d = arg;
	g_mutex_lock(&d->mutex);
	d->quiet = false;
	for (GList *l = d->bubbles.head; l != NULL; l = l->next)
		if (((struct bubble *)l->data)->over)
			((struct bubble *)l->data)->title[0] = '\0'; /* before our time */
	g_mutex_unlock(&d->mutex);
	g_idle_add(show_all, d);
}

static gpointer
feed_thread(gpointer arg)
{
	struct desktop *d = arg;
	struct feed f = {
		.socket = d->socket, .line = on_line, .caught_up = on_caught_up, .arg = d
	};
	feed_run(&f);
	return NULL;
}

/* ---- clicks ---- */

static gpointer
ack_thread(gpointer arg)
{
	struct order *o = arg;
	char path[128];
	json_t *body =
		json_pack("{s:s,s:s}", "who", g_get_user_name(), "why", "on the desktop");
	char *text = json_dumps(body, JSON_COMPACT);
	text_print(path, sizeof path, "/v1/incidents/%llu/ack",
		   (unsigned long long)o->incident);
	long status = feed_post(o->desktop->socket, path, text != NULL ? text : "{}");
	if (status != 200)
		g_warning("incident %llu cannot be acknowledged: %s",
			  (unsigned long long)o->incident,
			  status == 403 ? "you may not" : "it was refused");
	free(text);
	json_decref(body);
	g_free(o);
	return NULL;
}

static void
on_ack(NotifyNotification *n, char *action, gpointer arg)
{
	(void)n;
	(void)action;
	g_thread_unref(
		g_thread_new("ack", ack_thread, g_memdup2(arg, sizeof(struct order))));
}

static void
on_open(NotifyNotification *n, char *action, gpointer arg)
{
	const struct order *o = arg;
	GError *why = NULL;
	(void)n;
	(void)action;
	if (!g_app_info_launch_default_for_uri(o->desktop->url, NULL, &why))
		g_warning("%s: %s", o->desktop->url, why->message);
	g_clear_error(&why);
}

/* ---- bubbles, in the main thread ---- */

static void
add_action(NotifyNotification *n, struct desktop *d, const struct bubble *b, const char *word,
	   const char *label, NotifyActionCallback fn)
{
	struct order *o = g_new0(struct order, 1);
	*o = (struct order){ .desktop = d, .incident = b->incident };
	notify_notification_add_action(n, word, label, fn, o, g_free);
}

/* The news as they were when we looked; b->shown is kept by the caller. False: the daemon
 * refused. */
static bool
show(struct desktop *d, struct bubble *b)
{
	GError *why = NULL;
	char *body = g_markup_escape_text(b->text, -1);
	bool critical = !b->over && !b->taken && (b->worse || !b->warning);
	const char *icon = b->over    ? "dialog-information"
			   : critical ? "dialog-error"
				      : "dialog-warning";
	if (b->shown == NULL)
		b->shown = notify_notification_new(b->title, body, icon);
	else
		notify_notification_update(b->shown, b->title, body, icon);
	g_free(body);
	notify_notification_clear_actions(b->shown);
	if (!b->over && !b->taken)
		add_action(b->shown, d, b, "ack", "Acknowledge", on_ack);
	if (d->url != NULL)
		add_action(b->shown, d, b, "open", "Dashboard", on_open);
	notify_notification_set_urgency(b->shown, critical ? NOTIFY_URGENCY_CRITICAL
							   : NOTIFY_URGENCY_NORMAL);
	notify_notification_set_timeout(b->shown, b->over || b->taken
							  ? OVER_MS
							  : NOTIFY_EXPIRES_NEVER);
	bool good = notify_notification_show(b->shown, &why);
	if (!good && !d->refused)
		g_warning("no notification daemon takes it: %s", why->message);
	d->refused = !good;
	g_clear_error(&why);
	return good;
}

/* One that has news; its copy, as news may come while the daemon hangs. */
static struct bubble *
take_dirty(struct desktop *d, struct bubble *copy)
{
	for (GList *l = d->bubbles.head; l != NULL; l = l->next) {
		struct bubble *b = l->data;
		if (!b->dirty)
			continue;
		b->dirty = false;
		*copy = *b;
		return b;
	}
	return NULL;
}

static gboolean
again(gpointer arg)
{
	show_all(arg);
	return G_SOURCE_REMOVE;
}

static gboolean
show_all(gpointer arg)
{
	struct desktop *d = arg;
	struct bubble copy, *b;
	bool good = true;
	g_mutex_lock(&d->mutex);
	while (good && !d->quiet && (b = take_dirty(d, &copy)) != NULL) {
		g_mutex_unlock(&d->mutex);
		if (copy.title[0] != '\0')
			good = show(d, &copy);
		else if (copy.shown != NULL)
			notify_notification_close(copy.shown, NULL);
		g_mutex_lock(&d->mutex);
		b->shown = copy.shown;
		b->dirty = b->dirty || !good;
		if (good && copy.over && !b->dirty) {
			g_queue_remove(&d->bubbles, b);
			g_clear_object(&b->shown);
			g_free(b);
		}
	}
	g_mutex_unlock(&d->mutex);
	if (!good)
		g_timeout_add_seconds(AGAIN_S, again, d);
	return G_SOURCE_REMOVE;
}

static void
usage(FILE *out)
{
	fputs("usage: monitord-desktop [-s SOCKET] [-c CONTACT]... [-u URL]\n"
	      "  -s SOCKET   the status socket\n"
	      "  -c CONTACT  tell what this contact hears; without: what anybody hears\n"
	      "  -u URL      the dashboard that a click opens\n",
	      out);
}

static int
options(struct desktop *d, int argc, char **argv)
{
	static const struct option longs[] = {
		{ "socket", required_argument, NULL, 's' }, { "contact", required_argument, NULL, 'c' },
		{ "url", required_argument, NULL, 'u' },    { "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },	    { NULL, 0, NULL, 0 },
	};
	int option;
	while ((option = getopt_long(argc, argv, "s:c:u:hV", longs, NULL)) != -1) {
		if (option == 's')
			d->socket = optarg;
		else if (option == 'u')
			d->url = optarg;
		else if (option == 'c' && d->contact_count < CONTACTS_MAX)
			d->contacts[d->contact_count++] = optarg;
		else if (option == 'h' || option == 'V') {
			if (option == 'h')
				usage(stdout);
			else
				puts("monitord-desktop " PACKAGE_VERSION);
			return 0;
		} else {
			usage(stderr);
			return 2;
		}
	}
	if (optind == argc)
		return -1;
	usage(stderr);
	return 2;
}

int
main(int argc, char **argv)
{
	static struct desktop d;
	d.socket = RUNSTATEDIR "/monitord/status.sock";
	int code = options(&d, argc, argv);
	if (code >= 0)
		return code;
	d.quiet = true;
	g_mutex_init(&d.mutex);
	g_queue_init(&d.bubbles);
	curl_global_init(CURL_GLOBAL_DEFAULT);
	if (!notify_init("monitord")) {
		fputs("monitord-desktop: there is no session bus\n", stderr);
		return 1;
	}
	d.loop = g_main_loop_new(NULL, FALSE);
	g_thread_unref(g_thread_new("feed", feed_thread, &d));
	g_main_loop_run(d.loop);
	return 0;
}
