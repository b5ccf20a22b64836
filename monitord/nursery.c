#include "monitord/nursery.h"

#include "monitord/raw.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef CLONE_CLEAR_SIGHAND
#define CLONE_CLEAR_SIGHAND 0x100000000ULL
#endif
#define NURSERIES 16 /* children that have our memory at a time; one more gets a copy */
#define STACK 32768

struct nursery {
	int taken;  /* zeroed by the kernel when the child lets go (CLONE_CHILD_CLEARTID) */
	bool kept; /* somebody asks how it went */
	struct born born;
	_Alignas(64) char stack[STACK];
};

static struct {
	bool shares; /* children may share our memory */
	struct nursery *list[NURSERIES];
} own;

/* Debuggers and tools that follow each child do not know one that shares memory. */
#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
#define SHARING 0
#elif defined __has_feature
#if __has_feature(address_sanitizer) || __has_feature(memory_sanitizer)
#define SHARING 0
#endif
#endif
#ifndef SHARING
#define SHARING RAW_CALLS
#endif

/* Runs fn(arg) in the child, on the stack that args names: no call of the C library can.
 */
static long
clone_onto(const struct clone_args *args, void (*fn)(void *), void *arg)
{
#if SHARING && defined __x86_64__
	long result;
	register void (*f)(void *) __asm__("r8") = fn;
	register void *a __asm__("r9") = arg;
	__asm__ volatile("syscall\n\t"
			 "test %%rax, %%rax\n\t"
			 "jnz 1f\n\t"
			 "xor %%ebp, %%ebp\n\t"
			 "mov %%r9, %%rdi\n\t"
			 "call *%%r8\n\t"
			 "hlt\n"
			 "1:"
			 : "=a"(result)
			 : "0"(SYS_clone3), "D"(args), "S"(sizeof *args), "r"(f), "r"(a)
			 : "rcx", "r11", "memory");
	return result;
#elif SHARING && defined __aarch64__
	register long x8 __asm__("x8") = SYS_clone3;
	register long x0 __asm__("x0") = (long)args;
	register long x1 __asm__("x1") = sizeof *args;
	register void (*f)(void *) __asm__("x10") = fn;
	register void *a __asm__("x11") = arg;
	__asm__ volatile("svc 0\n\t"
			 "cbnz x0, 1f\n\t"
			 "mov x29, xzr\n\t"
			 "mov x0, x11\n\t"
			 "blr x10\n\t"
			 "brk 0\n"
			 "1:"
			 : "+r"(x0)
			 : "r"(x8), "r"(x1), "r"(f), "r"(a)
			 : "x30", "memory");
	return x0;
#else
	(void)args;
	(void)fn;
	(void)arg;
	return -ENOSYS;
#endif
}

static bool
core_dumps_of_all(void)
{
	char c = '1';
	int fd = open("/proc/sys/fs/suid_dumpable", O_RDONLY | O_CLOEXEC);
	bool read_it = fd != -1 && read(fd, &c, 1) == 1;
	if (fd != -1)
		close(fd);
	return !read_it || c == '1';
}

void
nursery_begin(void)
{
	/* who becomes another user while it has our memory must not be open to that
	 * user's ptrace(2): the kernel sees to that, but for this setting */
	own.shares = SHARING && !core_dumps_of_all();
}

static bool
is_let_go(const struct nursery *n)
{
	return __atomic_load_n(&n->taken, __ATOMIC_ACQUIRE) == 0;
}

struct nursery *
nursery_take(void)
{
	for (unsigned i = 0; own.shares && i < NURSERIES; i++) {
		struct nursery **n = &own.list[i];
		if (*n == NULL) {
			void *m = mmap(NULL, sizeof **n, PROT_READ | PROT_WRITE,
				       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
			if (m == MAP_FAILED)
				return NULL;
			madvise(m, sizeof **n, MADV_DONTFORK);
			*n = m;
		}
		if (!(*n)->kept && is_let_go(*n))
			return *n;
	}
	return NULL;
}

struct born *
nursery_born(struct nursery *n)
{
	return &n->born;
}

pid_t
nursery_clone(struct nursery *n, struct clone_args *args)
{
	args->flags |= CLONE_VM | CLONE_CLEAR_SIGHAND | CLONE_CHILD_CLEARTID;
	args->stack = (uintptr_t)n->stack;
	args->stack_size = sizeof n->stack;
	args->child_tid = (uintptr_t)&n->taken;
	__atomic_store_n(&n->taken, 1, __ATOMIC_RELEASE);
	long pid = clone_onto(args, born, &n->born);
	if (pid >= 0)
		return (pid_t)pid;
	__atomic_store_n(&n->taken, 0, __ATOMIC_RELEASE);
	own.shares = own.shares && pid != -EINVAL && pid != -ENOSYS;
	errno = (int)-pid;
	return -1;
}

void
nursery_keep(struct nursery *n)
{
	n->kept = true;
}

bool
nursery_ask(const struct nursery *n, struct spawn_failure *failure)
{
	if (!is_let_go(n))
		return false;
	*failure = n->born.failed;
	return true;
}

void
nursery_forget(struct nursery *n)
{
	n->kept = false;
}

void
nursery_rest(void)
{
	/* the first stays warm for the next death */
	for (unsigned i = 1; i < NURSERIES; i++) {
		struct nursery *n = own.list[i];
		if (n != NULL && !n->kept && is_let_go(n))
			madvise(n, sizeof *n, MADV_DONTNEED);
	}
}
