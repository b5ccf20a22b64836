/* What helpers may not open is opened for them, by the id of a configured thing. */
#include "monitord/core.h"

#include "base/log.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/icmp.h>
#include <netinet/icmp6.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

bool
open_folder(const char *path, mode_t mode)
{
	char part[PATH_MAX];
	struct stat st;
	for (const char *slash = strchr(path + 1, '/');; slash = strchr(slash + 1, '/')) {
		text_print(part, sizeof part, "%.*s",
			   (int)(slash != NULL ? slash - path : (ptrdiff_t)strlen(path)),
			   path);
		if (mkdir(part, mode) != 0 && errno != EEXIST)
			return false;
		if (slash == NULL)
			break;
	}
	if (stat(path, &st) != 0)
		return false;
	errno = ENOTDIR;
	return S_ISDIR(st.st_mode);
}

/* ---- one descriptor each; negative: -errno ---- */

int
open_file(const char *path)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	if (fd == -1)
		return -errno;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		return fd;
	close(fd);
	return -EINVAL;
}

/* What local may not see by itself: a handle to ask its owner and age, and, for those whose
 * content counts, one to read. The helper tried it first: a dead mount keeps it, not us. */
static int
check_file(const struct check *c)
{
	char handle[64];
	struct stat st;
	int fd = open(c->path, O_PATH | O_CLOEXEC | O_NOFOLLOW);
	if (fd == -1)
		return -errno;
	bool reads = fstat(fd, &st) == 0 &&
		     ((c->kind != CHECK_FIFO && S_ISREG(st.st_mode)) ||
		      (c->kind == CHECK_DIRECTORY && S_ISDIR(st.st_mode)));
	if (!reads)
		return fd;
	text_print(handle, sizeof handle, "/proc/self/fd/%d", fd);
	int readable = open(handle, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	int error = errno;
	close(fd);
	return readable == -1 ? -error : readable;
}

/* Certificates are public, or of no use to a peer, and often links (as those of an ACME
 * client): they are followed. What is sent to a peer never is a link. */
static int
named_file(const char *path, uint32_t what)
{
	char handle[64];
	struct stat st;
	if (path == NULL)
		return -EPERM;
	if (what == OPEN_CHECK_SECRET || what == OPEN_CHECK_BODY)
		return open_file(path);
	int fd = open(path, O_PATH | O_CLOEXEC), readable = -1;
	if (fd == -1)
		return -errno;
	errno = EINVAL;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
		text_print(handle, sizeof handle, "/proc/self/fd/%d", fd);
		readable = open(handle, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	}
	int error = errno;
	close(fd);
	return readable == -1 ? -error : readable;
}

/* For hosts where only root may ping: it hears nothing but answers to a ping. */
static int
ping_socket(bool six)
{
	struct icmp_filter four = { .data = ~(1u << ICMP_ECHOREPLY) };
	struct icmp6_filter filter;
	int fd = socket(six ? AF_INET6 : AF_INET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK,
			six ? IPPROTO_ICMPV6 : IPPROTO_ICMP);
	if (fd == -1)
		return -errno;
	ICMP6_FILTER_SETBLOCKALL(&filter);
	ICMP6_FILTER_SETPASS(ICMP6_ECHO_REPLY, &filter);
	if (six ? setsockopt(fd, IPPROTO_ICMPV6, ICMP6_FILTER, &filter, sizeof filter) ==
			    0
		: setsockopt(fd, SOL_RAW, ICMP_FILTER, &four, sizeof four) == 0)
		return fd;
	int error = errno;
	close(fd);
	return -error;
}

static bool
is_file(const struct check *c)
{
	return c->kind == CHECK_FILE || c->kind == CHECK_DIRECTORY ||
	       c->kind == CHECK_FIFO || c->kind == CHECK_LOG;
}

bool
open_address(const char *path, struct sockaddr_un *a)
{
	*a = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (strlen(path) >= sizeof a->sun_path)
		return false;
	memcpy(a->sun_path, path, strlen(path) + 1);
	return true;
}

static int
unix_client(const char *path)
{
	struct sockaddr_un a;
	if (!open_address(path, &a))
		return -ENAMETOOLONG;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd == -1)
		return -errno;
	if (connect(fd, (struct sockaddr *)&a, sizeof a) == 0)
		return fd;
	int error = errno;
	close(fd);
	return -error;
}

static void
on_script_end(void *arg, const struct msg_script_end *end)
{
	struct core *c = arg;
	helper_control(&c->helpers[ROLE_LOCAL], MSG_SCRIPT_END, end, sizeof *end, -1);
}

/* ---- who may have what: id is in range, and its section names the thing, or -EPERM ---- */

static int
check_socket(struct core *c, const struct msg_open *o)
{
	const struct check *check = &c->rules->checks[o->id];
	return check_is_unix(check) ? unix_client(check->path) : -EPERM;
}

static int
check_script(struct core *c, const struct msg_open *o)
{
	if (c->rules->checks[o->id].kind != CHECK_SCRIPT)
		return -EPERM;
	return process_script(c->processes, o->id, o->token, on_script_end, c);
}

static int
check_content(struct core *c, const struct msg_open *o)
{
	const struct check *check = &c->rules->checks[o->id];
	return is_file(check) ? check_file(check) : -EPERM;
}

static int
check_named(struct core *c, const struct msg_open *o)
{
	const char *const *files = c->rules->checks[o->id].more->files;
	return files != NULL ? named_file(files[o->what - OPEN_CHECK_SECRET], o->what)
			     : -EPERM;
}

static int
check_ping(struct core *c, const struct msg_open *o)
{
	if (c->rules->checks[o->id].kind != CHECK_PING)
		return -EPERM;
	return ping_socket(o->what == OPEN_CHECK_PING6);
}

static int
route_socket(struct core *c, const struct msg_open *o)
{
	const struct route *route = &c->rules->routes[o->id];
	return route->driver == DRIVER_HAPROXY ? unix_client(route->path) : -EPERM;
}

static int
file_if_named(const char *path)
{
	return path != NULL ? open_file(path) : -EPERM;
}

static int
route_secret(struct core *c, const struct msg_open *o)
{
	return file_if_named(c->rules->routes[o->id].secret);
}

static int
route_file(struct core *c, const struct msg_open *o)
{
	const struct route *route = &c->rules->routes[o->id];
	if (!front_has_file(route))
		return -EPERM;
	return front_is_settled(c, o->id) ? front_file(route) : -EAGAIN;
}

static int
route_get(struct core *c, const struct msg_open *o)
{
	if (c->rules->routes[o->id].driver != DRIVER_RUN)
		return -EPERM;
	return front_get(c, o->id, o->token);
}

static int
smtp_password(struct core *c, const struct msg_open *o)
{
	(void)o;
	return file_if_named(c->rules->settings.smtp_password_file);
}

static int
contact_key(struct core *c, const struct msg_open *o)
{
	return file_if_named(c->rules->contacts[o->id].key_file);
}

static int
contact_body(struct core *c, const struct msg_open *o)
{
	return file_if_named(c->rules->contacts[o->id].body_file);
}

static int
listener(struct core *c, const struct msg_open *o)
{
	return listener_get(c, o->id);
}

static const struct right {
	enum role role;
	enum object_kind of; /* whose id it is; OBJECT_MONITORD: no object's */
	int (*open)(struct core *c, const struct msg_open *o); /* NULL: nobody may */
} right_table[OPEN_WHATS] = {
	[OPEN_CHECK_SOCKET] = { ROLE_NET, OBJECT_CHECK, check_socket },
	[OPEN_CHECK_SCRIPT] = { ROLE_LOCAL, OBJECT_CHECK, check_script },
	[OPEN_CHECK_FILE] = { ROLE_LOCAL, OBJECT_CHECK, check_content },
	[OPEN_CHECK_SECRET] = { ROLE_NET, OBJECT_CHECK, check_named },
	[OPEN_CHECK_CA] = { ROLE_NET, OBJECT_CHECK, check_named },
	[OPEN_CHECK_CERT] = { ROLE_NET, OBJECT_CHECK, check_named },
	[OPEN_CHECK_KEY] = { ROLE_NET, OBJECT_CHECK, check_named },
	[OPEN_CHECK_BODY] = { ROLE_NET, OBJECT_CHECK, check_named },
	[OPEN_CHECK_PING4] = { ROLE_NET, OBJECT_CHECK, check_ping },
	[OPEN_CHECK_PING6] = { ROLE_NET, OBJECT_CHECK, check_ping },
	[OPEN_ROUTE_SOCKET] = { ROLE_ROUTES, OBJECT_ROUTE, route_socket },
	[OPEN_ROUTE_SECRET] = { ROLE_ROUTES, OBJECT_ROUTE, route_secret },
	[OPEN_ROUTE_FILE] = { ROLE_ROUTES, OBJECT_ROUTE, route_file },
	[OPEN_ROUTE_GET] = { ROLE_ROUTES, OBJECT_ROUTE, route_get },
	[OPEN_SMTP_PASSWORD] = { ROLE_ALERTS, OBJECT_MONITORD, smtp_password },
	[OPEN_CONTACT_KEY] = { ROLE_ALERTS, OBJECT_CONTACT, contact_key },
	[OPEN_CONTACT_BODY] = { ROLE_ALERTS, OBJECT_CONTACT, contact_body },
	[OPEN_LISTENER] = { ROLE_STATUS, OBJECT_MONITORD, listener },
};

static int
opened(struct helper_slot *h, const struct msg_open *o)
{
	struct core *c = h->core;
	const struct right *right = o->what < OPEN_WHATS ? &right_table[o->what] : NULL;
	if (right == NULL || right->open == NULL || right->role != h->role)
		return -EPERM;
	if (right->of != OBJECT_MONITORD && o->id >= rules_count(c->rules, right->of))
		return -EPERM;
	return right->open(c, o);
}

void
open_for(struct helper_slot *h, const struct msg_open *o)
{
	struct msg_opened answer;
	memset(&answer, 0, sizeof answer);
	int fd = opened(h, o);
	answer.what = o->what;
	answer.id = o->id;
	answer.token = o->token;
	answer.error = fd < 0 ? -fd : 0;
	helper_control(h, MSG_OPENED, &answer, sizeof answer, fd < 0 ? -1 : fd);
}
