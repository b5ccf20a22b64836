#include "base/sandbox.h"

#include "base/log.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <sched.h>
#include <seccomp.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined __s390__
#define CLONE_FLAGS 1 /* which argument of clone(2) they are */
#else
#define CLONE_FLAGS 0
#endif

/* Since Linux 6.2; older headers lack it. */
#define TRUNCATE (1ULL << 14)

#define READS (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define WRITES                                                                           \
	(LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR |                 \
	 LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_CHAR |                 \
	 LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG |                     \
	 LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO |                   \
	 LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SYM |                   \
	 LANDLOCK_ACCESS_FS_REFER | TRUNCATE)

/* local asks /proc of other processes, which a landlock domain may not: seccomp has to
 * do. alerts reads what rule files name, certificates wherever they are, and runs
 * commands. */
static const struct room {
	uint64_t bounded; /* landlock: rights that end at the folders below; 0: none do */
	bool own_folder;  /* it keeps files there */
	bool no_exec;
	bool no_writes; /* opens nothing for writing, makes and removes nothing */
	bool no_network;
} rooms[ROLES] = {
	[ROLE_NET] = { READS | WRITES, false, true, true, false },
	[ROLE_LOCAL] = { 0, false, true, true, true },
	[ROLE_ROUTES] = { READS | WRITES, false, true, true, false },
	[ROLE_ALERTS] = { WRITES, true, false, false, false },
	[ROLE_STATUS] = { READS | WRITES, true, true, false, false },
};

/* Libraries, name service, certificates, what the kernel says of itself. */
static const char *const readable[] = { "/etc", "/usr",  "/lib", "/lib64",
					"/dev", "/proc", "/sys", "/run/systemd/resolve" };

/* ---- landlock(7), for which glibc has no calls ---- */

int
sandbox_landlock(void)
{
	long version = syscall(SYS_landlock_create_ruleset, NULL, 0,
			       LANDLOCK_CREATE_RULESET_VERSION);
	return version > 0 ? (int)version : 0;
}

static void
allow(int ruleset, const char *folder, uint64_t rights)
{
	struct landlock_path_beneath_attr beneath = {
		.allowed_access = rights,
		.parent_fd = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC),
	};
	if (beneath.parent_fd == -1)
		return; /* not there: nothing to allow */
	if (syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &beneath,
		    0) != 0)
		log_warning("sandbox: %s: %s", folder, strerror(errno));
	close(beneath.parent_fd);
}

static void
bound_folders(const struct room *room)
{
	int version = sandbox_landlock();
	uint64_t rights = room->bounded;
	if (version < 3)
		rights &= ~TRUNCATE;
	if (version < 2)
		rights &= ~(uint64_t)LANDLOCK_ACCESS_FS_REFER;
	if (rights == 0)
		return;
	if (version == 0) {
		log_warning("sandbox: this kernel has no landlock");
		return;
	}
	struct landlock_ruleset_attr attr = { .handled_access_fs = rights };
	int ruleset = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof attr, 0);
	if (ruleset == -1) {
		log_warning("sandbox: landlock: %s", strerror(errno));
		return;
	}
	if ((rights & READS) != 0)
		for (size_t i = 0; i < sizeof readable / sizeof *readable; i++)
			allow(ruleset, readable[i], rights & READS);
	if ((rights & LANDLOCK_ACCESS_FS_WRITE_FILE) != 0)
		allow(ruleset, "/dev", rights & (READS | LANDLOCK_ACCESS_FS_WRITE_FILE));
	if (room->own_folder)
		allow(ruleset, ".", rights);
	if (syscall(SYS_landlock_restrict_self, ruleset, 0) != 0)
		log_warning("sandbox: landlock: %s", strerror(errno));
	close(ruleset);
}

/* ---- seccomp ---- */

/* What no helper needs: other processes' memory, mounts, modules, clocks, kernel
 * interfaces that are new each year. */
static const int never[] = {
#ifndef __SANITIZE_ADDRESS__ /* its leak checker is a tracer */
	SCMP_SYS(ptrace),
#endif
	SCMP_SYS(process_vm_readv),
	SCMP_SYS(process_vm_writev),
	SCMP_SYS(kcmp),
	SCMP_SYS(pidfd_getfd),
	SCMP_SYS(mount),
	SCMP_SYS(umount2),
	SCMP_SYS(pivot_root),
	SCMP_SYS(move_mount),
	SCMP_SYS(open_tree),
	SCMP_SYS(fsopen),
	SCMP_SYS(fsconfig),
	SCMP_SYS(fsmount),
	SCMP_SYS(fspick),
	SCMP_SYS(mount_setattr),
	SCMP_SYS(chroot),
	SCMP_SYS(setns),
	SCMP_SYS(unshare),
	SCMP_SYS(init_module),
	SCMP_SYS(finit_module),
	SCMP_SYS(delete_module),
	SCMP_SYS(kexec_load),
	SCMP_SYS(kexec_file_load),
	SCMP_SYS(reboot),
	SCMP_SYS(swapon),
	SCMP_SYS(swapoff),
	SCMP_SYS(acct),
	SCMP_SYS(quotactl),
	SCMP_SYS(settimeofday),
	SCMP_SYS(clock_settime),
	SCMP_SYS(bpf),
	SCMP_SYS(perf_event_open),
	SCMP_SYS(userfaultfd),
	SCMP_SYS(io_uring_setup),
	SCMP_SYS(io_uring_enter),
	SCMP_SYS(io_uring_register),
	SCMP_SYS(add_key),
	SCMP_SYS(request_key),
	SCMP_SYS(keyctl),
	SCMP_SYS(open_by_handle_at),
	SCMP_SYS(personality),
	SCMP_SYS(syslog),
	SCMP_SYS(iopl),
	SCMP_SYS(ioperm),
};
static const int execs[] = { SCMP_SYS(execve), SCMP_SYS(execveat) };
static const int writes[] = {
	SCMP_SYS(creat),       SCMP_SYS(openat2),      SCMP_SYS(mkdir),
	SCMP_SYS(mkdirat),     SCMP_SYS(rmdir),        SCMP_SYS(unlink),
	SCMP_SYS(unlinkat),    SCMP_SYS(rename),       SCMP_SYS(renameat),
	SCMP_SYS(renameat2),   SCMP_SYS(link),         SCMP_SYS(linkat),
	SCMP_SYS(symlink),     SCMP_SYS(symlinkat),    SCMP_SYS(mknod),
	SCMP_SYS(mknodat),     SCMP_SYS(truncate),     SCMP_SYS(chmod),
	SCMP_SYS(fchmod),      SCMP_SYS(fchmodat),     SCMP_SYS(chown),
	SCMP_SYS(lchown),      SCMP_SYS(fchown),       SCMP_SYS(fchownat),
	SCMP_SYS(setxattr),    SCMP_SYS(lsetxattr),    SCMP_SYS(fsetxattr),
	SCMP_SYS(removexattr), SCMP_SYS(lremovexattr), SCMP_SYS(fremovexattr),
};

static bool
deny(scmp_filter_ctx filter, const int *calls, size_t count)
{
	bool good = true;
	for (size_t i = 0; i < count; i++)
		good = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), calls[i], 0) ==
			       0 &&
		       good;
	return good;
}

/* open and openat, by the bits of their flags. */
static bool
deny_opens(scmp_filter_ctx filter)
{
	static const uint64_t bits[] = { O_WRONLY, O_RDWR, O_CREAT, O_TRUNC };
	bool good = true;
	for (size_t i = 0; i < sizeof bits / sizeof *bits; i++) {
		struct scmp_arg_cmp second =
			SCMP_A1(SCMP_CMP_MASKED_EQ, bits[i], bits[i]);
		struct scmp_arg_cmp third = SCMP_A2(SCMP_CMP_MASKED_EQ, bits[i], bits[i]);
		good = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EACCES), SCMP_SYS(open), 1,
					second) == 0 &&
		       seccomp_rule_add(filter, SCMP_ACT_ERRNO(EACCES), SCMP_SYS(openat),
					1, third) == 0 &&
		       good;
	}
	return good;
}

/* unshare(2) is among what is never needed; clone(2) is, for threads and children. clone3(2) hides
 * its flags from a filter: who hears that there is none takes clone(2). */
static bool
deny_namespaces(scmp_filter_ctx filter)
{
	static const uint64_t spaces[] = { CLONE_NEWUSER,  CLONE_NEWNS,  CLONE_NEWPID,
					   CLONE_NEWNET,   CLONE_NEWIPC, CLONE_NEWUTS,
					   CLONE_NEWCGROUP };
	bool good = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3),
				     0) == 0;
	for (size_t i = 0; i < sizeof spaces / sizeof *spaces; i++) {
		struct scmp_arg_cmp flags =
			SCMP_CMP(CLONE_FLAGS, SCMP_CMP_MASKED_EQ, spaces[i], spaces[i]);
		good = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(clone), 1,
					flags) == 0 &&
		       good;
	}
	return good;
}

static bool
deny_network(scmp_filter_ctx filter)
{
	struct scmp_arg_cmp four = SCMP_A0(SCMP_CMP_EQ, AF_INET);
	struct scmp_arg_cmp six = SCMP_A0(SCMP_CMP_EQ, AF_INET6);
	struct scmp_arg_cmp packet = SCMP_A0(SCMP_CMP_EQ, AF_PACKET);
	return seccomp_rule_add(filter, SCMP_ACT_ERRNO(EACCES), SCMP_SYS(socket), 1,
				four) == 0 &&
	       seccomp_rule_add(filter, SCMP_ACT_ERRNO(EACCES), SCMP_SYS(socket), 1,
				six) == 0 &&
	       seccomp_rule_add(filter, SCMP_ACT_ERRNO(EACCES), SCMP_SYS(socket), 1,
				packet) == 0;
}

static void
bound_calls(const struct room *room)
{
#define ALL(list) list, sizeof list / sizeof *list
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	bool good =
		filter != NULL && deny(filter, ALL(never)) && deny_namespaces(filter) &&
		(!room->no_exec || deny(filter, ALL(execs))) &&
		(!room->no_writes || (deny(filter, ALL(writes)) && deny_opens(filter))) &&
		(!room->no_network || deny_network(filter));
#undef ALL
	int error = good ? seccomp_load(filter) : -EINVAL;
	if (error != 0)
		log_warning("sandbox: seccomp: %s", strerror(-error));
	seccomp_release(filter);
}

void
sandbox_enter(enum role role)
{
	assert(role > ROLE_MONITORD && role < ROLES);
#ifndef __SANITIZE_ADDRESS__ /* its leak checker is a tracer */
	/* scripts and commands have the rights of a helper's user, and no business with what
	 * it holds: passwords, keys, the channel to monitord */
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
#endif
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
		log_warning("sandbox: %s", strerror(errno));
		return; /* neither of the others works without */
	}
	bound_folders(&rooms[role]);
	bound_calls(&rooms[role]);
}
