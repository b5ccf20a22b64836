#include "probes/tree.h"

#include "base/text.h"

#include <dirent.h>
#include <libproc2/pids.h>
#include <math.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define SELECT_MAX 255 /* pids that libproc2 takes at once */
#define NONE UINT32_MAX
/* the library's own macro takes other arguments from 4.0.5 on */
#define VALUE(stack, item, type) ((stack)->head[item].result.type)

enum item { PID, PARENT, START, TICKS, RESIDENT, STATE, SWAP, THREADS, WANTED_ITEMS };
enum { ALL_ITEMS = SWAP }; /* none that waits for who has locked its memory */
static enum pids_item wanted_items[WANTED_ITEMS] = {
	[PID] = PIDS_ID_PID,     [PARENT] = PIDS_ID_PPID,   [START] = PIDS_TICS_BEGAN,
	[TICKS] = PIDS_TICS_ALL, [RESIDENT] = PIDS_MEM_RES, [STATE] = PIDS_STATE,
	[SWAP] = PIDS_VM_SWAP,   [THREADS] = PIDS_NLWP,
};
static enum pids_item all_items[ALL_ITEMS] = {
	[PID] = PIDS_ID_PID,        [PARENT] = PIDS_ID_PPID,   [START] = PIDS_TICS_BEGAN,
	[TICKS] = PIDS_TICS_ALL,    [RESIDENT] = PIDS_MEM_RES, [STATE] = PIDS_STATE,
};

struct list {
	struct tree_process *at;
	uint32_t count, cap;
};

struct tree {
	struct pids_info *wanted_info, *all_info;
	unsigned *pids;
	uint32_t pid_count, pid_cap;
	struct list wanted, all;
	struct list before; /* the look at all before this */
	int64_t all_ns, before_ns; /* 0: there was none */
};

static void *
grow(void *old, size_t need, size_t *cap, size_t item)
{
	if (need <= *cap)
		return old;
	size_t more = *cap == 0 ? 256 : *cap;
	while (more < need)
		more *= 2;
	void *new = realloc(old, more * item);
	if (new != NULL)
		*cap = more;
	return new;
}

static struct tree_process *
push(struct list *l)
{
	size_t cap = l->cap;
	struct tree_process *at = grow(l->at, (size_t)l->count + 1, &cap, sizeof *at);
	if (at == NULL)
		return NULL;
	l->at = at;
	l->cap = (uint32_t)cap;
	return &l->at[l->count++];
}

static void
take(struct tree_process *p, const struct pids_stack *s)
{
	*p = (struct tree_process){
		.pid = VALUE(s, PID, s_int),
		.parent = VALUE(s, PARENT, s_int),
		.start_ticks = VALUE(s, START, ull_int),
		.cpu_ticks = VALUE(s, TICKS, ull_int),
		.memory = (uint64_t)VALUE(s, RESIDENT, ul_int) * 1024,
		.zombie = VALUE(s, STATE, s_ch) == 'Z',
		.first_child = NONE,
		.next_child = NONE,
	};
}

static int
by_pid(const void *a, const void *b)
{
	const struct tree_process *x = a, *y = b;
	return (x->pid > y->pid) - (x->pid < y->pid);
}

static struct tree_process *
find(const struct list *l, pid_t pid)
{
	struct tree_process key = { .pid = pid };
	return l->count == 0 ? NULL : bsearch(&key, l->at, l->count, sizeof key, by_pid);
}

static bool
look_at_wanted(struct tree *t)
{
	for (uint32_t i = 0; i < t->pid_count; i += SELECT_MAX) {
		uint32_t n =
			t->pid_count - i < SELECT_MAX ? t->pid_count - i : SELECT_MAX;
		struct pids_fetch *f = procps_pids_select(t->wanted_info, t->pids + i,
							  (int)n, PIDS_SELECT_PID);
		for (int k = 0; f != NULL && k < f->counts->total; k++) {
			struct tree_process *p = push(&t->wanted);
			if (p == NULL)
				return false;
			take(p, f->stacks[k]);
			p->swap = (uint64_t)VALUE(f->stacks[k], SWAP, ul_int) * 1024;
			p->threads = VALUE(f->stacks[k], THREADS, s_int);
		}
	}
	if (t->wanted.count > 0)
		qsort(t->wanted.at, t->wanted.count, sizeof *t->wanted.at, by_pid);
	return true;
}

static bool
look_at_all(struct tree *t)
{
	struct pids_fetch *f = procps_pids_reap(t->all_info, PIDS_FETCH_TASKS_ONLY);
	if (f == NULL)
		return false;
	for (int k = 0; k < f->counts->total; k++) {
		struct tree_process *p = push(&t->all);
		if (p == NULL)
			return false;
		take(p, f->stacks[k]);
	}
	qsort(t->all.at, t->all.count, sizeof *t->all.at, by_pid);
	for (uint32_t i = 0; i < t->all.count; i++) {
		struct tree_process *parent = find(&t->all, t->all.at[i].parent);
		if (parent == NULL)
			continue;
		t->all.at[i].next_child = parent->first_child;
		parent->first_child = i;
	}
	return true;
}

bool
tree_look(struct tree *t, bool all, int64_t now_ns)
{
	if (!look_at_wanted(t))
		return false;
	if (!all)
		return true;
	struct list spare = t->before;
	t->before = t->all;
	t->before_ns = t->all_ns;
	t->all = spare;
	t->all.count = 0;
	t->all_ns = now_ns;
	return look_at_all(t);
}

void
tree_begin(struct tree *t)
{
	t->pid_count = t->wanted.count = 0;
}

void
tree_want(struct tree *t, pid_t pid)
{
	size_t cap = t->pid_cap;
	if (pid <= 0)
		return;
	unsigned *pids = grow(t->pids, (size_t)t->pid_count + 1, &cap, sizeof *pids);
	if (pids == NULL)
		return; /* not measured this time */
	t->pids = pids;
	t->pid_cap = (uint32_t)cap;
	t->pids[t->pid_count++] = (unsigned)pid;
}

const struct tree_process *
tree_find(const struct tree *t, pid_t pid)
{
	return find(&t->wanted, pid);
}

/* Since the look before, percent of one core; NaN: it was not there yet. */
static double
cpu_since(const struct tree *t, const struct tree_process *p)
{
	const struct tree_process *old = find(&t->before, p->pid);
	double seconds = (double)(t->all_ns - t->before_ns) / 1e9;
	if (old == NULL || old->start_ticks != p->start_ticks || t->before_ns == 0 ||
	    seconds <= 0 || p->cpu_ticks < old->cpu_ticks)
		return (double)NAN;
	return 100 * (double)(p->cpu_ticks - old->cpu_ticks) /
	       (double)sysconf(_SC_CLK_TCK) / seconds;
}

/* Depth first along first_child and next_child; the kernel's tree has no cycles, but it
 * is read while it changes: the count bounds the walk. */
void
tree_below(const struct tree *t, pid_t pid, struct tree_sum *sum)
{
	const struct tree_process *top = find(&t->all, pid);
	uint32_t path[64], depth = 0, steps = 0;
	*sum = (struct tree_sum){ .most_cpu = (double)NAN };
	uint32_t at = top != NULL ? top->first_child : NONE;
	while (steps++ <= t->all.count) {
		while (at == NONE && depth > 0)
			at = t->all.at[path[--depth]].next_child;
		if (at == NONE)
			return;
		const struct tree_process *p = &t->all.at[at];
		sum->count++;
		sum->zombies += p->zombie;
		sum->memory += p->memory;
		sum->cpu_ticks += p->cpu_ticks;
		if (p->memory > sum->most_memory)
			sum->most_memory = p->memory;
		double cpu = cpu_since(t, p);
		if (isnan(sum->most_cpu) || cpu > sum->most_cpu)
			sum->most_cpu = cpu;
		if (p->first_child != NONE && depth < 64) {
			path[depth++] = at;
			at = p->first_child;
		} else {
			at = p->next_child;
		}
	}
}

int
tree_fds(pid_t pid)
{
	char path[64];
	struct stat st;
	text_print(path, sizeof path, "/proc/%d/fd", (int)pid);
	if (stat(path, &st) == 0 && st.st_size > 0)
		return (int)st.st_size; /* Linux 6.2 and later count for us */
	DIR *dir = opendir(path);
	int count = 0;
	if (dir == NULL)
		return -1;
	for (struct dirent *d; (d = readdir(dir)) != NULL;)
		count += d->d_name[0] != '.';
	closedir(dir);
	return count;
}

struct tree *
tree_new(void)
{
	struct tree *t = calloc(1, sizeof *t);
	if (t != NULL &&
	    procps_pids_new(&t->wanted_info, wanted_items, WANTED_ITEMS) >= 0 &&
	    procps_pids_new(&t->all_info, all_items, ALL_ITEMS) >= 0)
		return t;
	tree_free(&t);
	return NULL;
}

void
tree_free(struct tree **tp)
{
	struct tree *t = *tp;
	*tp = NULL;
	if (t == NULL)
		return;
	if (t->wanted_info != NULL)
		procps_pids_unref(&t->wanted_info);
	if (t->all_info != NULL)
		procps_pids_unref(&t->all_info);
	free(t->pids);
	free(t->wanted.at);
	free(t->all.at);
	free(t->before.at);
	free(t);
}
