/* Conditions: three values, windows, and what binds more. */
#include "test/unit/stage.h"
#include "test/unit/unit.h"

#include <stdio.h>
#include <string.h>

static const char checks[] =
	"[check a]\ntcp = h:1\ndown = 1\nup = 1\n[check b]\ntcp = h:1\ndown = 1\nup = 1\n"
	"[check c]\ntcp = h:1\ndown = 1\nup = 1\n"
	"[check h]\nhttp = http://h/\ndown = 1\nup = 1\n"
	"[service s]\nmatch = s\n";

struct row {
	const char *when, *script, *truth;
};

/* a is up, b is down, c is unknown */
static const struct row truths[] = {
	{ "a.up", "", "true" },
	{ "b.up", "", "false" },
	{ "c.up", "", "unknown" },
	{ "not a.up", "", "false" },
	{ "a.degraded", "", "false" },
	{ "a.degraded", "warn:a", "true" },
	{ "a.up", "warn:a", "true" },
	{ "a.latency < 1s", "", "true" },
	{ "not b.up", "", "true" },
	{ "not c.up", "", "unknown" },
	{ "not not b.up", "", "false" },
	{ "a.up and a.up", "", "true" },
	{ "a.up and b.up", "", "false" },
	{ "b.up and a.up", "", "false" },
	{ "a.up and c.up", "", "unknown" },
	{ "c.up and a.up", "", "unknown" },
	{ "b.up and c.up", "", "false" }, /* the rest decides alone */
	{ "c.up and b.up", "", "false" },
	{ "c.up and c.up", "", "unknown" },
	{ "b.up or b.up", "", "false" },
	{ "a.up or b.up", "", "true" },
	{ "a.up or c.up", "", "true" },
	{ "c.up or a.up", "", "true" },
	{ "b.up or c.up", "", "unknown" },
	{ "c.up or b.up", "", "unknown" },
	{ "c.up or c.up", "", "unknown" },
	/* and before or, not before and */
	{ "a.up or a.up and b.up", "", "true" },
	{ "(a.up or a.up) and b.up", "", "false" },
	{ "b.up and a.up or a.up", "", "true" },
	{ "b.up and (a.up or a.up)", "", "false" },
	{ "not b.up or a.up", "", "true" },
	{ "not (b.up or a.up)", "", "false" },
	{ "not b.up and not b.up", "", "true" },
	{ "not(b.up)and(a.up)", "", "true" },
	/* texts and numbers */
	{ "a.state = up", "", "true" },
	{ "c.state = unknown", "good:c unknown:c",
	  "true" }, /* that it is unknown is known */
	{ "b.state != down", "", "false" },
	{ "s.state = up", "found:s", "true" },
	{ "s.restarts = 0", "found:s", "true" },
	{ "s.memory > 1M", "", "unknown" },
	{ "s.memory > 1M", "found:s sample:s.memory=2e6", "true" },
	{ "s.memory > 1M", "found:s sample:s.memory=1048576", "false" },
	{ "s.memory >= 1M", "found:s sample:s.memory=1048576", "true" },
	{ "s.memory < 1M", "found:s sample:s.memory=1048575", "true" },
	{ "s.memory <= 1M", "found:s sample:s.memory=1048577", "false" },
	{ "s.memory <= 1M", "found:s sample:s.memory=1048576", "true" },
	/* what the last exchange did not measure is not known */
	{ "h.status = 200", "good:h=200", "true" },
	{ "h.bytes = 400B", "good:h=200", "true" },
	{ "h.status > 1", "good:h", "unknown" },
	{ "s.cpu = 5%", "found:s sample:s.cpu=5", "true" },
	{ "s.cpu != 5%", "found:s sample:s.cpu=5", "false" },
	{ "s.memory > 1M", "found:s sample:s.memory=2e6 +1m sample:s.cpu=1",
	  "true" }, /* one sample */
	{ "s.memory > 1M", "found:s sample:s.memory=2e6 exited:s=-1 empty:s found:s",
	  "unknown" },
};

static const struct row windows[] = {
	/* for: without a break */
	{ "b.down for 5s", "bad:b", "false" },
	{ "b.down for 5s", "bad:b +4.9s", "false" },
	{ "b.down for 5s", "bad:b +5s", "true" }, /* by time alone */
	{ "b.down for 5s", "bad:b +4s good:b +1s bad:b +4s", "false" },
	{ "b.down for 5s", "bad:b +4s good:b +1s bad:b +5s", "true" },
	{ "(b.down or a.down) for 5s", "bad:b +3s bad:a good:b +2s", "true" },
	{ "b.down for 5s or a.down for 5s", "bad:b +3s bad:a good:b +2s", "false" },
	{ "a.up for 2s and b.up for 2s", "good:b +2s", "true" },
	{ "b.down for 2s or a.down for 10s", "bad:b bad:a +2s", "true" }, /* the first of them */
	/* the window follows what not is about */
	{ "not b.up for 5s", "bad:b +4s", "false" },
	{ "not b.up for 5s", "bad:b +5s", "true" },
	{ "not b.up for 5s", "bad:b +3s good:b bad:b +3s", "false" },
	{ "not not b.down for 5s", "bad:b +4s", "false" },
	{ "not (b.down for 5s)", "bad:b +4s", "true" },
	{ "not b.up 2 of 3", "bad:b bad:b", "true" },
	/* N of M: of its own samples */
	{ "b.down 2 of 3", "bad:b", "false" },
	{ "b.down 2 of 3", "bad:b bad:b", "true" },
	{ "b.down 2 of 3", "bad:b good:b bad:b", "true" },
	{ "b.down 2 of 3", "bad:b good:b good:b bad:b", "false" },
	{ "b.down 2 of 3", "bad:b bad:b good:b good:b", "false" },
	{ "b.down 2 of 3", "bad:b good:a bad:a good:a", "false" },
	{ "b.down 2 of 3 and a.up", "bad:b bad:b", "true" },
	{ "(b.down and a.up) 2 of 3", "bad:b good:a", "true" }, /* either one's samples */
	{ "(s.memory > 1M or s.cpu > 1%) 2 of 3", "found:s sample:s.memory=2e6", "false" }, /* counted once */
	{ "(s.memory > 1M or s.cpu > 1%) 2 of 3", "found:s sample:s.memory=2e6 sample:s.memory=2e6", "true" },
	/* a new process begins anew */
	{ "s.memory > 1M for 5s", "found:s sample:s.memory=2e6 +5s", "true" },
	{ "s.memory > 1M for 5s",
	  "found:s sample:s.memory=2e6 +4s exited:s=-1 empty:s found:s "
	  "sample:s.memory=2e6 +2s",
	  "false" },
	{ "s.memory > 1M 2 of 3",
	  "found:s sample:s.memory=2e6 exited:s=-1 empty:s found:s sample:s.memory=2e6",
	  "false" },
	{ "(s.memory > 1M and a.up) for 5s",
	  "found:s sample:s.memory=2e6 +4s exited:s=-1 empty:s found:s "
	  "sample:s.memory=2e6 +2s",
	  "false" },
	{ "(a.up and s.memory > 1M) for 5s",
	  "found:s sample:s.memory=2e6 +4s exited:s=-1 empty:s found:s sample:s.memory=2e6 +2s", "false" },
	{ "s.memory > 5G or (a.up and b.up) for 5s",
	  "bad:b found:s sample:s.memory=2e6 good:b +4s exited:s=-1 empty:s found:s "
	  "sample:s.memory=2e6 +1s",
	  "true" }, /* what is not of the process goes on */
	{ "not s.up for 5s", "found:s exited:s=-1 empty:s +3s !hold:s +2s",
	  "true" }, /* no sample, that */
};

/* A new process begins anew what is measured of it, also through a check. */
static const char checked[] =
	"[service s]\nmatch = s\n[check l]\nof = s\ntcp = h:1\ndown = 1\nup = 1\n";
#define ANEW "exited:s=-1 empty:s found:s "

static const struct row of_processes[] = {
	{ "l.latency < 1s 2 of 3", "found:s good:l", "false" },
	{ "l.latency < 1s 2 of 3", "found:s good:l good:l", "true" },
	{ "l.latency < 1s 2 of 3", "found:s good:l " ANEW "good:l", "false" },
	{ "l.latency < 1s for 5s", "found:s good:l +4s " ANEW "good:l +4s", "false" },
	{ "max(l.latency, 1m) < 1s", "found:s good:l +50s good:l +5s good:l", "true" },
	{ "max(l.latency, 1m) < 1s", "found:s good:l +50s good:l " ANEW "+5s good:l", "unknown" },
	{ "l.up for 5s", "found:s good:l +4s " ANEW "+1s good:l", "true" }, /* no sample, that */
	{ "changed(l.state, 1m)", "found:s good:l bad:l " ANEW "+1s good:l", "true" },
	/* nor is a check of what is held quiet: it is told of */
	{ "l.down", "found:s good:l !hold:s bad:l", "true" },
};

/* Each of its checks does. */
static const char checked_twice[] =
	"[service s]\nmatch = s\n[check l]\nof = s\ntcp = h:1\ndown = 1\nup = 1\n"
	"[check m]\nof = s\ntcp = h:1\ndown = 1\nup = 1\n";
static const struct row of_second[] = {
	{ "m.latency < 1s 2 of 3", "found:s good:l good:m good:m", "true" },
	{ "m.latency < 1s 2 of 3", "found:s good:l good:m " ANEW "good:l good:m", "false" },
};

/* Routes and chains have states of their own. */
static const char routed[] =
	"[service a]\nmatch = a\n[service b]\nmatch = b\n"
	"[check ca]\nof = a\ntcp = h:1\ndown = 1\nup = 1\n[check cb]\nof = b\ntcp = h:1\ndown = 1\nup = 1\n"
	"[route way]\nswitch = /s\nbackend = a check ca\nbackend = b check cb\n"
	"[chain none]\npath = b -> a\n[chain all]\npath = way -> a\n";
#define FOUND "found:a found:b good:ca good:cb "

static const struct row of_routes[] = {
	{ "way.state = primary", FOUND "seen:way=a", "true" },
	{ "way.state = rerouted", FOUND "seen:way=a", "false" },
	{ "way.state = rerouted", FOUND "seen:way=a bad:ca", "route:way=b-a r=true" },
	{ "way.rerouted", FOUND "seen:way=a", "false" },
	{ "way.rerouted", FOUND "seen:way=a bad:ca", "route:way=b-a r=true" },
	{ "way.healthy = 2", FOUND "seen:way=a", "true" },
	{ "way.healthy < 2", FOUND "seen:way=a bad:cb", "true" },
	{ "all.state = primary", FOUND "seen:way=a +1ms", "true" },
	{ "all.state = secondary", FOUND "seen:way=a +1ms", "false" },
	{ "all.state = secondary", FOUND "seen:way=a bad:ca +1ms", "route:way=b-a r=true" },
	{ "all.rerouted", FOUND "seen:way=a bad:ca +1ms", "route:way=b-a r=true" },
	{ "all.rerouted", FOUND "seen:way=a +1ms", "false" },
	{ "all.up", FOUND "seen:way=a bad:ca +1ms", "route:way=b-a r=true" },
	{ "all.down", FOUND "seen:way=a bad:ca +1ms", "route:way=b-a r=false" },
	{ "all.up", FOUND "+1ms", "unknown" }, /* nobody knows who carries its traffic */
	{ "none.up", FOUND "+1ms", "true" },
	{ "none.down", FOUND "exited:a=-1 empty:a +1ms", "true" },
	{ "none.up", FOUND "exited:a=-1 empty:a +1ms", "false" },
};

/* What a window that is not full yet waits for. */
static const struct row waits[] = {
	{ "b.down for 5s", "", "false" },
	{ "b.down for 5s", "bad:b +2s", "false in 3000 ms" },
	{ "b.down for 5s", "bad:b +2s good:b", "false" },
	{ "b.down for 5s", "bad:b +5s", "true" },
	{ "b.down for 5s and a.down for 1s", "bad:b +2s bad:a", "false in 1000 ms" }, /* the first */
	{ "b.down for 5s and a.down", "bad:b +7s", "false" },
	{ "b.down 2 of 3", "bad:b", "false 1/2" },
	{ "b.down 2 of 3", "bad:b bad:b", "true" },
	{ "b.down 2 of 3", "bad:b good:b good:b good:b", "false" },
	{ "b.down 3 of 4 or a.down for 9s", "bad:b bad:b bad:a +4s", "false in 5000 ms 2/3" },
	{ "s.memory > 1M for 5s", "found:s sample:s.memory=2e6 +1s exited:s=-1 empty:s found:s", "unknown" },
};

static const struct row functions[] = {
	/* not known before they look back far enough; a maximum is, once it is too high */
	{ "avg(s.memory, 1m) > 1M", "found:s ramp:s.memory=2e6,0,9", "unknown" },
	{ "avg(s.memory, 1m) > 1M", "found:s ramp:s.memory=2e6,0,13", "true" },
	{ "avg(s.memory, 1m) > 1M", "found:s ramp:s.memory=1e6,0,12 sample:s.memory=1.7e6", "true" },
	{ "avg(s.memory, 1m) > 1M", "found:s ramp:s.memory=1e6,0,12 sample:s.memory=1.5e6", "false" },
	{ "max(s.memory, 1m) > 1M", "found:s sample:s.memory=2e6", "true" },
	{ "max(s.memory, 1m) < 1M", "found:s sample:s.memory=2e6", "false" },
	{ "max(s.memory, 1m) < 1M", "found:s sample:s.memory=1e6", "unknown" },
	{ "max(s.memory, 1m) >= 1M", "found:s sample:s.memory=1e6", "unknown" },
	{ "max(s.memory, 1m) > 1M", "found:s sample:s.memory=2e6 +5s ramp:s.memory=1e6,0,12", "true" },
	{ "max(s.memory, 1m) > 1M", "found:s sample:s.memory=2e6 +5s ramp:s.memory=1e6,0,13", "false" },
	{ "min(s.memory, 1m) < 1M", "found:s sample:s.memory=1e6", "true" },
	{ "min(s.memory, 1m) > 1M", "found:s sample:s.memory=2e6", "unknown" },
	{ "min(s.memory, 1m) > 1M", "found:s ramp:s.memory=2e6,0,13", "true" },
	{ "min(s.memory, 1m) <= 1M", "found:s sample:s.memory=2e6", "unknown" },
	{ "p95(s.cpu, 2m) > 90%", "found:s ramp:s.cpu=50,0,23 ramp:s.cpu=99,0,2", "true" },
	{ "p95(s.cpu, 2m) > 90%", "found:s ramp:s.cpu=50,0,24 ramp:s.cpu=99,0,1", "false" },
	{ "p99(s.cpu, 2m) > 90%", "found:s ramp:s.cpu=50,0,24 ramp:s.cpu=99,0,1", "true" },
	{ "rate(s.memory, 1m) > 1M/s", "found:s ramp:s.memory=1e9,6e6,13", "true" },
	{ "rate(s.memory, 1m) > 1M/s", "found:s ramp:s.memory=1e9,5e6,13", "false" },
	{ "rate(s.threads, 1m) >= 2", "found:s ramp:s.threads=100,10,13", "true" },
	{ "growth(s.memory, 1m) > 60M", "found:s ramp:s.memory=1e9,6e6,13", "true" },
	{ "growth(s.memory, 1m) > 80M", "found:s ramp:s.memory=1e9,6e6,13", "false" },
	{ "changed(s.pid, 1m)", "found:s sample:s.cpu=1 exited:s=-1 empty:s found:s sample:s.cpu=1", "true" },
	{ "changed(s.pid, 1m)", "found:s ramp:s.cpu=1,0,13", "false" },
	/* of what is not measured: over by time alone */
	{ "changed(a.state, 1m)", "bad:a", "true" },
	{ "changed(a.state, 1m)", "bad:a +60s", "true" },
	{ "changed(a.state, 1m)", "bad:a +61s", "false" },
	{ "changed(a.state, 1m)", "bad:a +2h good:a", "true" },
	{ "forecast(s.memory, 10m) > 2G", "found:s ramp:s.memory=1e9,1e7,31", "true" },
	{ "forecast(s.memory, 10m) > 3G", "found:s ramp:s.memory=1e9,1e7,31", "false" },
	{ "forecast(s.memory, 10m) > 2G", "found:s ramp:s.memory=1e9,1e7,29", "unknown" },
	{ "forecast(s.memory, 10m) > 2G", "found:s ramp:s.memory=1e9,0,31", "false" },
	{ "forecast(s.memory, 10m) < 1M", "found:s ramp:s.memory=1e9,-1e7,31", "true" },
	/* a new process begins them anew, and what is not fresh is not known */
	{ "avg(s.memory, 1m) > 1M",
	  "found:s ramp:s.memory=2e6,0,13 exited:s=-1 empty:s found:s ramp:s.memory=2e6,0,9", "unknown" },
	{ "avg(s.memory, 1m) > 1M", "found:s ramp:s.memory=2e6,0,13 +20s +1s reload", "true" },
	{ "avg(s.memory, 1m) > 1M for 20s", "found:s ramp:s.memory=2e6,0,14", "false" },
	{ "avg(s.memory, 1m) > 1M for 20s", "found:s ramp:s.memory=2e6,0,17", "true" },
	/* states by regex, and percentages */
	{ "a.state ~ \"^(up|down)$\"", "", "true" },
	{ "a.state !~ \"^(up|down)$\"", "", "false" },
	{ "c.state !~ \"^(up|down)$\"", "good:c unknown:c", "true" },
	{ "s.state ~ ^back", "found:s exited:s=-1 empty:s", "true" },
	{ "s.state ~ ^st", "found:s", "false" },
	{ "s.memory > 5%", "found:s sample:s.memory-percent=6", "true" },
	{ "s.memory > 5%", "found:s sample:s.memory-percent=4", "false" },
	{ "avg(s.fds, 1m) > 80%", "found:s ramp:s.fds-percent=81,0,13", "true" },
};

static void
play_with(const char *objects, const struct row *rows, size_t count, const char *before)
{
	const char *ask = rows == waits ? "~r" : "?r";
	size_t wrong = 0;
	for (size_t i = 0; i < count; i++) {
		char rules[1000], script[400], wanted[100];
		snprintf(rules, sizeof rules, "%s[rule r]\nwhen = %s\ndo = log\n",
			 objects, rows[i].when);
		snprintf(script, sizeof script, "go %s %s %s", before, rows[i].script,
			 ask);
		bool whole = strchr(rows[i].truth, '=') != NULL;
		snprintf(wanted, sizeof wanted, "%s%s", whole ? "" : "r=", rows[i].truth);
		struct stage_row row = { .script = script, .wanted = wanted };
		if (strstr(script, "!hold") != NULL)
			snprintf(wanted, sizeof wanted, "answer:done r=%s",
				 rows[i].truth);
		if (stage_differs(rules, &row)) {
			print_error("when = %s\n", rows[i].when);
			wrong++;
		}
	}
	if (wrong > 0)
		fail_msg("%zu of %zu differ", wrong, count);
}

static void
play(const struct row *rows, size_t count, const char *before)
{
	play_with(checks, rows, count, before);
}

static void
new_processes(void **state)
{
	(void)state;
	play_with(checked, of_processes, COUNT(of_processes), "");
	play_with(checked_twice, of_second, COUNT(of_second), "");
}

static void
routes_and_chains(void **state)
{
	(void)state;
	play_with(routed, of_routes, COUNT(of_routes), "");
}

/* What people read when a rule fires: the tests that hold, measured against their thresholds. */
static const char measured[] =
	"[service s]\nmatch = s\n[check a]\ntcp = h:1\ndown = 1\nup = 1\n"
	"[check b]\ntcp = h:1\ndown = 1\nup = 1\n[check p]\nscript = /p\ndown = 1\nup = 1\n";

static const struct row texts[] = {
	{ "s.memory > 1M and s.cpu < 5%", "found:s sample:s.memory=2e6 sample:s.cpu=3",
	  "page:r<rule-fired(p){r: s.memory is 1.9 MiB (> 1.0 MiB), s.cpu is 3.0% (< 5.0%)}" },
	{ "s.threads = 7 or s.memory > 1M", "found:s sample:s.threads=7",
	  "page:r<rule-fired(p){r: s.threads is 7 (= 7)}" },
	{ "s.io-read > 1M/s for 5s", "found:s sample:s.io-read=2e6 +5s",
	  "page:r<rule-fired(p){r: s.io-read is 1.9 MiB/s (> 1.0 MiB/s) for 5.0 s}" },
	{ "p.files > 10", "good:p=10", "page:r<rule-fired(p){r: p.files is 20 (> 10)}" },
	{ "s.uptime > 5s", "found:s +6s sample:s.cpu=1",
	  "page:r<rule-fired(p){r: s.uptime is 6.0 s (> 5.0 s)}" },
	{ "b.down 2 of 3", "bad:b bad:b",
	  "page:r<rule-fired(p){r: b.down in 2 of 3 samples}" },
	{ "a.state = up and not b.up", "bad:b good:a",
	  "page:r<rule-fired(p){r: a.state is up}" },
	{ "avg(s.memory, 1m) > 1M", "found:s ramp:s.memory=2e6,0,13",
	  "page:r<rule-fired(p){r: avg(s.memory, 1 min) is 1.9 MiB (> 1.0 MiB)}" },
	{ "rate(s.memory, 1m) > 1M/s", "found:s ramp:s.memory=1e9,6e6,13",
	  "page:r<rule-fired(p){r: rate(s.memory, 1 min) is 1.1 MiB/s (> 1.0 MiB/s)}" },
	{ "changed(a.state, 1m)", "good:a bad:a",
	  "page:r<rule-fired(p){r: changed(a.state, 1 min)}" },
	{ "forecast(s.memory, 10m) > 2G", "found:s ramp:s.memory=1e9,1e7,31",
	  "page:r<rule-fired(p){r: s.memory reaches 2.0 GiB in 7 min 4 s (1.2 GiB now, a line with r² 1.00)}" },
	{ "forecast(s.memory, 10m) < 3G", "found:s ramp:s.memory=1e9,0,31",
	  "page:r<rule-fired(p){r: s.memory stays < 3.0 GiB (953.7 MiB now)}" },
	{ "forecast(s.memory, 10m) < 900M", "found:s ramp:s.memory=1e9,-1e6,31",
	  "page:r<rule-fired(p){r: s.memory reaches 900.0 MiB in 2 min 12 s (925.1 MiB now, a line with r² 1.00)}" },
};

static void
in_words(void **state)
{
	size_t wrong = 0;
	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		char rules[600], script[300];
		snprintf(rules, sizeof rules,
			 "%s[rule r]\nwhen = %s\ndo = page p\ncooldown = 1d\n"
			 "[monitord]\nsmtp = h:25\n[contact p]\nmail = a@b\n",
			 measured, texts[i].when);
		snprintf(script, sizeof script, "go %s", texts[i].script);
		struct stage_row row = { script, "page+", texts[i].truth };
		wrong += stage_differs(rules, &row);
	}
	if (wrong > 0)
		fail_msg("%zu of %zu differ", wrong, COUNT(texts));
}

static void
three_values(void **state)
{
	(void)state;
	play(truths, COUNT(truths), "good:a bad:b");
}

static void
windows_and_binding(void **state)
{
	(void)state;
	play(windows, COUNT(windows), "good:a good:b good:b good:b +10s");
}

static void
windows_that_wait(void **state)
{
	(void)state;
	play(waits, COUNT(waits), "good:a good:b good:b good:b good:b +10s");
}

static void
functions_over_time(void **state)
{
	(void)state;
	play(functions, COUNT(functions), "good:a good:b +10s");
}

int
test_condition(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(three_values),
		cmocka_unit_test(windows_and_binding),
		cmocka_unit_test(windows_that_wait),
		cmocka_unit_test(new_processes),
		cmocka_unit_test(routes_and_chains),
		cmocka_unit_test(in_words),
		cmocka_unit_test(functions_over_time),
	};
	return cmocka_run_group_tests_name("condition", tests, NULL, NULL);
}
