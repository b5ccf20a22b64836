/* monitorctl import: forms of Monit's syntax as people write them, what becomes of each,
 * and that monitord takes all of it. */
#include "status/import.h"

#include "rules/parse.h"
#include "test/unit/folder.h"
#include "test/unit/status.h"
#include "test/unit/unit.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define SHA "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static const struct {
	const char *monit;
	const char *want[4];
	int lost;
	const char *report; /* NULL: whatever */
} rows[] = {
	{ "set daemon 60 with start delay 120\n", { "every = 60s\n" }, 0, "" },
	{ "set mailserver mail.example.org port 587 username \"me\" password \"x\" using "
	  "tlsv12,\n"
	  "               backup.example.org\n"
	  "set alert admin@example.org\n",
	  { "smtp = mail.example.org:587\n", "smtp-user = me\n",
	    "smtp = backup.example.org:25\n",
	    "[contact admin]\nmail = admin@example.org\n" },
	  1,
	  "smtp-password-file" },
	{ "set alert ops@example.org not on { instance, action }\n",
	  { "alert = ops\n" },
	  1,
	  "which events" },
	{ "set alert ops@example.org with reminder on 10 cycles\n",
	  { "remind = 300s\n" },
	  0,
	  "" },
	{ "set mailserver localhost\nset mail-format { from: monit@example.org subject: "
	  "$SERVICE }\n",
	  { "from = monit@example.org\n" },
	  1,
	  "text of mails" },
	{ "set httpd port 2812 and use address localhost\n    allow localhost\n    allow "
	  "admin:monit\n",
	  { "http = 127.0.0.1:2812\n" },
	  1,
	  "http-token-file" },
	{ "set logfile /var/log/monit.log\nset idfile /var/lib/monit/id\nset eventqueue "
	  "basedir /x slots 100\n",
	  { "no counterpart: set logfile" },
	  1,
	  "journal" },
	{ "include /etc/monit/conf.d/*\n",
	  { "; no counterpart: include /etc/monit/conf.d/* (no files are read)" },
	  1,
	  "monitrc:1: no counterpart: include" },
	/* processes */
	{ "check process nginx with pidfile /run/nginx.pid\n"
	  "  start program = \"/usr/bin/systemctl start nginx\" with timeout 60 seconds\n"
	  "  stop program  = \"/usr/bin/systemctl stop nginx\"\n"
	  "  if failed host 127.0.0.1 port 80 protocol http then restart\n"
	  "  if 5 restarts within 5 cycles then timeout\n",
	  { "[service nginx]\npidfile = /run/nginx.pid\n",
	    "start = /usr/bin/systemctl start nginx\n", "at-most = 5 in 150s\n",
	    "[check nginx-80]\nof = nginx\nhttp = http://127.0.0.1:80/\ndo = restart\n" },
	  0,
	  "" },
	{ "CHECK PROCESS apache WITH PIDFILE \"/var/run/apache2.pid\"\n"
	  "  START PROGRAM = '/bin/sh -c \"apachectl start\"'\n"
	  "  IF CPU > 60% FOR 2 CYCLES THEN ALERT\n"
	  "  IF TOTALMEM > 200.0 MB FOR 5 CYCLES THEN RESTART\n"
	  "  IF CHILDREN > 250 THEN RESTART\n",
	  { "start = /bin/sh -c \"apachectl start\"\n",
	    "when = apache.cpu > 60% for 30s\n",
	    "when = apache.memory-total > 200M for 120s\ndo   = restart apache\n",
	    "when = apache.children > 250\n" },
	  0,
	  "" },
	{ "check process java matching \"org.apache.catalina\"\n"
	  "  if memory usage > 80% for 4 times within 15 cycles then alert\n"
	  "  if total cpu > 90% then exec \"/usr/local/bin/dump -v 'two words'\"\n"
	  "  if uptime > 3 days then restart\n  start program = \"/usr/sbin/j\"\n",
	  { "match = \"org.apache.catalina\"\n", "when = java.memory > 80% 4 of 15\n",
	    "do   = run /usr/local/bin/dump -v \"two words\"\n",
	    "when = java.uptime > 3d\n" },
	  0,
	  "" },
	{ "check process sshd with pidfile /var/run/sshd.pid\n"
	  "  if failed port 22 protocol ssh with timeout 15 seconds for 3 cycles then "
	  "alert\n",
	  { "[check sshd-22]\nof = sshd\ntimeout = 15s\nssh = 127.0.0.1:22\ndown = 3\n" },
	  0,
	  "" },
	{ "check file p with path /p\n  if failed permission 644 for 2 cycles then exec \"/bin/fix p\"\n"
	  "  if failed uid 0 then unmonitor\n  if failed gid 0 then restart\n",
	  { "expect = mode = 644\ndown = 2\ndo = run /bin/fix p\nexpect = uid = 0\nexpect = gid = 0\n" },
	  1,
	  "only a service is started and stopped" },
	{ "check file auth.conf with path /a\n  group web\n",
	  { "; only services have groups: web\n" },
	  0,
	  "" },
	{ "check process mysql with pidfile /run/mysqld.pid\n"
	  "  if failed unixsocket /run/mysqld.sock protocol mysql then alert\n"
	  "  if does not exist then alert\n  mode passive\n  group database\n",
	  { "[check mysql-socket]\nof = mysql\nmysql = /run/mysqld.sock\n",
	    "restart = never\n", "groups = database\n" },
	  0,
	  "" },
	{ "check process db with pidfile /run/db.pid\ncheck process app with pidfile "
	  "/run/app.pid\n"
	  "  depends on db\n  onreboot laststate\n  every 2 cycles\n",
	  { "[service app]\npidfile = /run/app.pid\non-boot = last\nevery = 60s\ndepends "
	    "= db\n" },
	  0,
	  "" },
	{ "check process p with pidfile /run/p.pid\n  if changed pid then alert\n  "
	  "restart program = \"/bin/r\"\n"
	  "  start program = \"/bin/s\" as uid \"www\" and gid \"www\"\n",
	  { "start = /bin/s\n" },
	  3,
	  "a restart is stop and start" },
	{ "check process gen with pidfile /run/g.pid start program \"/bin/g\"\n"
	  "  if failed port 4242 type tcp send \"HELLO\\r\\n\" expect \"^OK\" then "
	  "restart\n",
	  { "send = \"HELLO\\r\\n\"\nexpect = body ~ \"^OK\"\n" },
	  0,
	  "" },
	/* hosts */
	{ "check host shop with address shop.example.org\n"
	  "  if failed port 443 protocol https request \"/health?x=1\" with status = 200 "
	  "and content = \"\\\"ok\\\"\"\n"
	  "     certificate valid > 30 days with timeout 10 seconds for 2 times within 3 "
	  "cycles then alert\n",
	  { "[check shop-443]\ntimeout = 10s\nhttps = "
	    "https://shop.example.org:443/health?x=1\n",
	    "expect = status 200\n", "warn = days-left < 30\n", "down = 2 of 3\n" },
	  0,
	  "" },
	{ "check host gw with address 10.0.0.1\n  if failed ping count 3 then alert\n  "
	  "if failed port 53 type udp protocol dns then alert\n",
	  { "[check gw-ping]\nping = 10.0.0.1\n" },
	  1,
	  "UDP" },
	{ "check host web with address example.org\n  if failed url "
	  "http://example.org:8080/index.html then alert\n",
	  { "http = http://example.org:8080/index.html\n" },
	  0,
	  "" },
	{ "check host pop with address mail.example.org\n  if failed port 110 protocol "
	  "pop then alert\n"
	  "  if failed port 993 type tcpssl protocol imaps then alert\n",
	  { "tcp = mail.example.org:110\nexpect = body ~ ^\\+OK\n",
	    "tls = mail.example.org:993\n" },
	  0,
	  "" },
	/* the system and its disks */
	{ "check system $HOST\n  if loadavg (1min) > 4 then alert\n  if memory usage > "
	  "75% then alert\n"
	  "  if swap usage > 25% then alert\n  if cpu usage (system) > 30% for 3 cycles "
	  "then alert\n",
	  { "[check host]\nsystem = yes\n", "when = host.load1 > 4\n",
	    "when = host.memory-used > 75%\n", "when = host.cpu-system > 30% for 60s\n" },
	  0,
	  "" },
	{ "check filesystem rootfs with path /dev/sda1\n  if space usage > 80% for 5 "
	  "times within 15 cycles then alert\n"
	  "  if inode usage > 90% then alert\n  if space free < 1 GB then exec "
	  "\"/usr/local/bin/clean\"\n",
	  { "filesystem = /dev/sda1\n", "when = rootfs.used > 80% 5 of 15\n",
	    "when = rootfs.inodes-used > 90%\n",
	    "when = rootfs.free < 1G\ndo   = run /usr/local/bin/clean\n" },
	  0,
	  "" },
	{ "check device data with path /data\n  if space usage > 90 % then alert\n",
	  { "when = data.used > 90%\n" },
	  0,
	  "" },
	/* files, programs, links */
	{ "check file syslog with path /var/log/syslog\n  if size > 100 MB then alert\n"
	  "  if timestamp > 15 minutes then alert\n  if failed permission 640 then "
	  "alert\n  if failed uid root then alert\n",
	  { "file = /var/log/syslog\n", "when = syslog.size > 100M\n",
	    "when = syslog.mtime > 15m\n", "expect = mode = 640\nexpect = uid = 0\n" },
	  0,
	  "" },
	{ "check file auth with path /var/log/auth.log\n  if match \"Failed "
	  "\\\"password\\\"\" then alert\n"
	  "  if changed checksum then alert\n",
	  { "[check auth-match]\nlog   = /var/log/auth.log\nmatch = ",
	    "[rule auth-checksum]\nwhen = changed(auth.checksum, 1m)\ndo   = log\n" },
	  0,
	  "" },
	{ "check file f with path /f\n"
	  "  if failed sha256 checksum expect " SHA " then alert\n"
	  "  if failed checksum and expect the sum 8f7f419955cefa0b33a2ba316cba3659 then alert\n"
	  "  if failed gid no-such-group-here then alert\n  if changed size then alert\n",
	  { "expect = sha256 = " SHA "\n", "(a checksum other than SHA-256)",
	    "(this host has no such group)", "(a change is no fault" },
	  3,
	  "" },
	{ "check directory spool with path /var/spool/mqueue\n  if does not exist then "
	  "alert\n  if failed permission 700 then alert\n",
	  { "directory = /var/spool/mqueue\nexpect = mode = 700\n" },
	  0,
	  "" },
	{ "check fifo pipe with path /run/pipe\n  if failed gid root then alert\n",
	  { "fifo = /run/pipe\nexpect = gid = 0\n" },
	  0,
	  "" },
	{ "check program backup with path \"/usr/local/bin/check-backup --max 26\" "
	  "timeout 300 seconds\n"
	  "  if status != 0 then alert\n  every \"0 6 * * *\"\n",
	  { "script = /usr/local/bin/check-backup --max 26\ntimeout = 300s\n" },
	  1,
	  "cron" },
	{ "check network eth with interface eth0\n  if failed link then alert\n  if "
	  "saturation > 90% then alert\n"
	  "  if upload > 500 kB/s then alert\n",
	  { "network = eth0\n", "when = eth.receive-percent > 90%\n",
	    "when = eth.send > 500K/s\n" },
	  0,
	  "" },
	{ "check process 9lives with pidfile /run/9.pid\n  alert boss@example.org only "
	  "on { timeout }\n",
	  { "[service x9lives]\n", "alert = boss\n" },
	  1,
	  "which events" },
	{ "check process a with pidfile /run/a.pid\n  start program \"/bin/a\"\n  if "
	  "failed port 80 then restart else if succeeded then exec \"/bin/ok\"\n",
	  { "tcp = 127.0.0.1:80\n" },
	  1,
	  "once it is over" },
	{ "set alert a@example.org\nset alert b@example.org\ncheck process p with "
	  "pidfile /run/p.pid\n"
	  "  depends on q\n  depends on r\ncheck file q with path /q\ncheck file r with "
	  "path /r\n",
	  { "alert = a, b\n", "depends = q, r\n" },
	  0,
	  "" },
	{ "fly me to the moon\ncheck process a with pidfile /run/a.pid\n  if sunny then "
	  "alert\n",
	  { "[service a]" },
	  2,
	  "this test" },
};

/* What monitord says of the rules: nothing. */
static void
is_taken(const char *rules, const char *monit)
{
	char path[] = "r.ini";
	struct source one = { .path = path,
			      .text = strdup(rules),
			      .size = strlen(rules) };
	struct sources s = { .list = &one, .count = 1 };
	struct problems problems = { 0 };
	struct rules *r = rules_parse(&s, &problems);
	if (r == NULL)
		fail_msg("%s\nis refused: line %u: %s\n%s", monit, problems.list[0].line,
			 problems.list[0].text, rules);
	rules_free(&r);
	problems_free(&problems);
	free(one.text);
}

static void
forms_of_monit_become_rules(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		char *rules = NULL, *report = NULL;
		size_t sizes[2];
		FILE *out = open_memstream(&rules, &sizes[0]),
		     *told = open_memstream(&report, &sizes[1]);
		int lost = import_monitrc("monitrc", rows[i].monit, NULL, out, told);
		fclose(out);
		fclose(told);
		for (unsigned k = 0; k < 4 && rows[i].want[k] != NULL; k++)
			if (strstr(rules, rows[i].want[k]) == NULL)
				fail_msg("%s\nshould have: %s\nis: %s\nreport: %s",
					 rows[i].monit, rows[i].want[k], rules, report);
		if (lost != rows[i].lost || strstr(report, rows[i].report) == NULL ||
		    (rows[i].lost == 0 && rows[i].report[0] == '\0' && report[0] != '\0'))
			fail_msg("%s\nlost %d, expected %d, with '%s': %s\n%s",
				 rows[i].monit, lost, rows[i].lost, rows[i].report,
				 report, rules);
		is_taken(rules, rows[i].monit);
		free(rules);
		free(report);
	}
}

/* All of them in one file: names stay apart. */
static void
all_at_once(void **state)
{
	char *all = NULL, *rules = NULL, *report = NULL;
	size_t sizes[3];
	(void)state;
	FILE *f = open_memstream(&all, &sizes[0]);
	for (size_t i = 0; i < COUNT(rows); i++)
		if (strncmp(rows[i].monit, "set ", 4) != 0)
			fputs(rows[i].monit, f);
	fclose(f);
	FILE *out = open_memstream(&rules, &sizes[1]),
	     *told = open_memstream(&report, &sizes[2]);
	assert_true(import_monitrc("monitrc", all, NULL, out, told) > 0);
	fclose(out);
	fclose(told);
	is_taken(rules, "all");
	free(all);
	free(rules);
	free(report);
}

static char *
read_one(const char *path)
{
	return strdup(folder_read(strrchr(path, '/') + 1));
}

/* Within a check, within each other, in sorted order; a folder and nothing are no file. */
static void
includes_stand_where_they_are_named(void **state)
{
	char main_file[4 * PATH_MAX], *rules = NULL, *report = NULL;
	size_t sizes[2];
	(void)state;
	folder_write("root.inc", "if failed permission 755 then unmonitor\nbad\n");
	folder_write("b.conf", "check process b with pidfile /run/b.pid\n");
	folder_write("a.conf", "check file a with path /bin/a\n  group web\n");
	folder_write("loop", "include loop\n");
	assert_int_equal(mkdir(folder_path("c.conf"), 0755), 0);
	FILE *f = fopen(folder_path("a.conf"), "a");
	fprintf(f, "  include %s\n  if failed uid root then alert\n",
		folder_path("root.inc"));
	fclose(f);
	f = fopen(folder_path("loop"), "w");
	fprintf(f, "include %s\n", folder_path("loop"));
	fclose(f);
	snprintf(main_file, sizeof main_file,
		 "include %s/*.conf\n  group db\ninclude %s/none*\ninclude %s/loop\n",
		 folder, folder, folder);
	FILE *out = open_memstream(&rules, &sizes[0]),
	     *told = open_memstream(&report, &sizes[1]);
	assert_int_equal(import_monitrc("monitrc", main_file, read_one, out, told), 2);
	fclose(out);
	fclose(told);
	static const char *const wanted[] = {
		"[check a]\nfile = /bin/a\nexpect = mode = 755\nexpect = uid = 0\n; only",
		"[service b]\npidfile = /run/b.pid\ngroups = db\n"
	};
	for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
		if (strstr(rules, wanted[i]) == NULL)
			fail_msg("should have: %s\nis: %s", wanted[i], rules);
	static const char *const said[] = { "/root.inc:2: no counterpart: bad",
					    "monitrc:3: include finds no file: ",
					    "(too deep)" };
	for (size_t i = 0; i < sizeof said / sizeof *said; i++)
		if (strstr(report, said[i]) == NULL)
			fail_msg("should say: %s\nsays: %s", said[i], report);
	is_taken(rules, main_file);
	free(rules);
	free(report);
}

int
test_status_import(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(forms_of_monit_become_rules),
		cmocka_unit_test(all_at_once),
		cmocka_unit_test_setup_teardown(includes_stand_where_they_are_named,
						folder_make, folder_remove),
	};
	return cmocka_run_group_tests_name("status/import", tests, NULL, NULL);
}
