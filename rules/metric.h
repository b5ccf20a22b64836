/* rules/metric.h: every metric that a rule can name, its unit, and whose it is. */
#ifndef RULES_METRIC_H
#define RULES_METRIC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum unit { UNIT_NONE, UNIT_COUNT, UNIT_PERCENT, UNIT_BYTES, UNIT_MS, UNIT_RATE, UNIT_YESNO, UNIT_TEXT };

/* name in C, name for users, objects that have it (S service, C check, R route, P chain: a path), unit, manual line */
#define METRICS(X)                                                                           \
	X(UP, "up", "SCP", UNIT_YESNO, "it is up; a chain: it is served")                                             \
	X(DOWN, "down", "CP", UNIT_YESNO, "it is down; a chain: it is not served")                                        \
	X(DEGRADED, "degraded", "C", UNIT_YESNO, "it is up, and a warning holds")             \
	X(STATE, "state", "SCRP", UNIT_TEXT, "the state's word")                               \
	X(PID, "pid", "S", UNIT_COUNT, "process id of the main process")                      \
	X(CPU, "cpu", "S", UNIT_PERCENT, "CPU of the main process, percent of one core")      \
	X(CPU_TOTAL, "cpu-total", "S", UNIT_PERCENT, "the same with its children")            \
	X(MEMORY, "memory", "S", UNIT_BYTES, "resident memory of the main process")           \
	X(MEMORY_TOTAL, "memory-total", "S", UNIT_BYTES, "the same with its children")        \
	X(SWAP, "swap", "S", UNIT_BYTES, "memory that is swapped out")                        \
	X(THREADS, "threads", "S", UNIT_COUNT, "threads of the main process")                 \
	X(FDS, "fds", "SC", UNIT_COUNT, "open descriptors of the main process; of the host")                \
	X(CHILDREN, "children", "S", UNIT_COUNT, "processes below the main process")          \
	X(ZOMBIES, "zombies", "S", UNIT_COUNT, "dead children that were not reaped")          \
	X(UPTIME, "uptime", "SC", UNIT_MS, "time since the main process began; since the boot") \
	X(RESTARTS, "restarts", "S", UNIT_COUNT, "restarts since monitord first ran it")      \
	X(EXIT_CODE, "exit-code", "S", UNIT_COUNT, "exit code of the last main process")      \
	X(IO_READ, "io-read", "S", UNIT_RATE, "bytes read from disk per second")              \
	X(IO_WRITE, "io-write", "S", UNIT_RATE, "bytes written to disk per second")           \
	X(OOM_KILLS, "oom-kills", "S", UNIT_COUNT, "of its cgroup: killed for want of memory since it began") \
	X(MEMORY_PSS, "memory-pss", "S", UNIT_BYTES, "memory of the main process, what it shares divided by who shares it") \
	X(CPU_MACHINE, "cpu-machine", "S", UNIT_PERCENT, "cpu, or cpu-total where a rule reads that, of all cores") \
	X(CHILD_MEMORY, "child-memory", "S", UNIT_BYTES, "resident memory of its largest child")   \
	X(CHILD_CPU, "child-cpu", "S", UNIT_PERCENT, "CPU of its busiest child, percent of one core") \
	X(LATENCY, "latency", "C", UNIT_MS, "how long the last exchange took")                \
	X(AGE, "age", "C", UNIT_MS, "time since the last measurement")                        \
	X(STATUS, "status", "C", UNIT_COUNT, "HTTP status; exit code of a script")            \
	X(BYTES, "bytes", "C", UNIT_BYTES, "size of the answer's body")                       \
	X(DAYS_LEFT, "days-left", "C", UNIT_COUNT, "days until the peer's certificate expires") \
	X(SIZE, "size", "C", UNIT_BYTES, "size of the file; of all files below the directory; of the file system") \
	X(CHECKSUM, "checksum", "C", UNIT_COUNT, "a number made of the file's content: another content, another number") \
	X(MODE, "mode", "C", UNIT_COUNT, "permissions as their octal digits: 644")            \
	X(UID, "uid", "C", UNIT_COUNT, "user number of the owner")                            \
	X(GID, "gid", "C", UNIT_COUNT, "number of the group")                                 \
	X(MTIME, "mtime", "C", UNIT_MS, "time since the content changed")                     \
	X(CTIME, "ctime", "C", UNIT_MS, "time since content, owner or mode changed")          \
	X(ATIME, "atime", "C", UNIT_MS, "time since it was last read")                        \
	X(ENTRIES, "entries", "C", UNIT_COUNT, "everything below the directory")              \
	X(OLDEST, "oldest", "C", UNIT_MS, "mtime of the oldest file below the directory")     \
	X(NEWEST, "newest", "C", UNIT_MS, "mtime of the newest file below the directory")     \
	X(FREE, "free", "C", UNIT_BYTES, "space that users may still take")                   \
	X(USED, "used", "C", UNIT_BYTES, "space that is taken")                               \
	X(INODES_USED, "inodes-used", "C", UNIT_COUNT, "inodes that are taken")               \
	X(READ_ONLY, "read-only", "C", UNIT_YESNO, "the file system cannot be written")       \
	X(MOUNTED, "mounted", "C", UNIT_YESNO, "a file system begins at this path")           \
	X(LOAD1, "load1", "C", UNIT_COUNT, "load of the last minute")                         \
	X(LOAD5, "load5", "C", UNIT_COUNT, "load of the last 5 minutes")                      \
	X(LOAD15, "load15", "C", UNIT_COUNT, "load of the last 15 minutes")                   \
	X(CPU_USED, "cpu-used", "C", UNIT_PERCENT, "CPU of the host, percent of all cores")   \
	X(CPU_SYSTEM, "cpu-system", "C", UNIT_PERCENT, "the kernel's part of it")             \
	X(CPU_WAIT, "cpu-wait", "C", UNIT_PERCENT, "idle because a disk was awaited")         \
	X(CPU_STEAL, "cpu-steal", "C", UNIT_PERCENT, "taken by other guests of a virtual machine's host") \
	X(CPU_USER, "cpu-user", "C", UNIT_PERCENT, "spent by programs")                         \
	X(CPU_NICE, "cpu-nice", "C", UNIT_PERCENT, "spent by programs that give way")           \
	X(CPU_IRQ, "cpu-irq", "C", UNIT_PERCENT, "spent on interrupts")                         \
	X(CLOCK_SYNCED, "clock-synced", "C", UNIT_YESNO, "the host's clock is kept right by somebody") \
	X(MEMORY_USED, "memory-used", "C", UNIT_BYTES, "memory of the host that is not available; of a store, what is in use") \
	X(SWAP_USED, "swap-used", "C", UNIT_BYTES, "swap space that is taken")                \
	X(PRESSURE_CPU, "pressure-cpu", "CS", UNIT_PERCENT, "time in which something waited for CPU, of 10 s") \
	X(PRESSURE_MEMORY, "pressure-memory", "CS", UNIT_PERCENT, "the same for memory")       \
	X(PRESSURE_IO, "pressure-io", "CS", UNIT_PERCENT, "the same for disks")                \
	X(RECEIVE, "receive", "C", UNIT_RATE, "bytes that came by the link per second")       \
	X(SEND, "send", "C", UNIT_RATE, "bytes that went out by the link per second")         \
	X(SPEED, "speed", "C", UNIT_RATE, "what the link can carry each way")                 \
	X(ERRORS, "errors", "C", UNIT_COUNT, "errors of the link since the last look")        \
	X(BACKLOG, "backlog", "C", UNIT_COUNT, "connections that wait to be accepted")        \
	X(BACKLOG_LIMIT, "backlog-limit", "C", UNIT_COUNT, "how many may wait")               \
	X(BACKLOG_PERCENT, "backlog-percent", "C", UNIT_PERCENT, "backlog, of backlog-limit") \
	X(MATCHES, "matches", "C", UNIT_COUNT, "lines of the log that fitted, since it is followed") \
	X(PRIMARY, "primary", "C", UNIT_YESNO, "it takes writes: it is no replica")             \
	X(LAG, "lag", "C", UNIT_MS, "how far the replica is behind, in time")                   \
	X(REPLICAS, "replicas", "C", UNIT_COUNT, "replicas that follow it")                     \
	X(CLIENTS, "clients", "C", UNIT_COUNT, "clients that are connected")                    \
	X(CLIENTS_PERCENT, "clients-percent", "C", UNIT_PERCENT, "clients, of its limit")       \
	X(EVICTIONS, "evictions", "C", UNIT_COUNT, "what had to go for want of memory, since it began") \
	X(ROWS, "rows", "C", UNIT_COUNT, "rows that the query gave")                            \
	X(RESULT, "result", "C", UNIT_COUNT, "the number in the first column of its first row") \
	X(BUSY, "busy", "C", UNIT_COUNT, "workers or threads that serve somebody")              \
	X(BUSY_LIMIT, "busy-limit", "C", UNIT_COUNT, "how many there may be")                   \
	X(BUSY_PERCENT, "busy-percent", "C", UNIT_PERCENT, "busy, of busy-limit")               \
	X(IDLE, "idle", "C", UNIT_COUNT, "workers that wait for somebody")                      \
	X(STARTING, "starting", "C", UNIT_COUNT, "workers that begin")                          \
	X(READING, "reading", "C", UNIT_COUNT, "workers that read a request")                   \
	X(WRITING, "writing", "C", UNIT_COUNT, "workers that send an answer")                   \
	X(KEEPING, "keepalive", "C", UNIT_COUNT, "workers that wait for a further request")     \
	X(RESOLVING, "resolving", "C", UNIT_COUNT, "workers that ask for a name")               \
	X(CLOSING, "closing", "C", UNIT_COUNT, "workers that close a connection")               \
	X(LOGGING, "logging", "C", UNIT_COUNT, "workers that write a log")                      \
	X(FINISHING, "finishing", "C", UNIT_COUNT, "workers that end in good order")            \
	X(REQUESTS, "requests", "C", UNIT_COUNT, "requests since it began")                     \
	X(ANSWERS, "answers", "C", UNIT_COUNT, "records in the answer of a name server")        \
	X(RCODE, "rcode", "C", UNIT_COUNT, "its verdict: 0 fine, 2 failure, 3 no such name")    \
	X(TTL, "ttl", "C", UNIT_MS, "how long the shortest-lived of them is good")              \
	X(STRATUM, "stratum", "C", UNIT_COUNT, "how far a time server is from a clock")         \
	X(OFFSET, "offset", "C", UNIT_MS, "how far our clock is from a time server's, or from where it should be")    \
	X(RTT, "rtt", "C", UNIT_MS, "time of a packet there and back, the mean")                \
	X(LOSS, "loss", "C", UNIT_PERCENT, "packets that did not come back")                    \
	X(SERVERS, "servers", "C", UNIT_COUNT, "servers or backends of a front")                \
	X(SERVERS_UP, "servers-up", "C", UNIT_COUNT, "those of them that it calls up")          \
	X(SERVERS_UP_PERCENT, "servers-up-percent", "C", UNIT_PERCENT, "servers-up, of servers") \
	X(QUEUE, "queue", "C", UNIT_COUNT, "requests that wait for a server")                   \
	X(SESSIONS, "sessions", "C", UNIT_COUNT, "sessions under way")                          \
	X(SESSIONS_PERCENT, "sessions-percent", "C", UNIT_PERCENT, "sessions, of its limit")    \
	X(LABEL1, "label-1", "", UNIT_COUNT, "a script's performance data")\
	X(LABEL2, "label-2", "", UNIT_COUNT, "a script's performance data")\
	X(LABEL3, "label-3", "", UNIT_COUNT, "a script's performance data")\
	X(LABEL4, "label-4", "", UNIT_COUNT, "a script's performance data")\
	X(LABEL5, "label-5", "", UNIT_COUNT, "a script's performance data")\
	X(LABEL6, "label-6", "", UNIT_COUNT, "a script's performance data")\
	X(LABEL7, "label-7", "", UNIT_COUNT, "a script's performance data")\
	X(LABEL8, "label-8", "", UNIT_COUNT, "a script's performance data")\
	X(LABEL9, "label-9", "", UNIT_COUNT, "a script's performance data")\
	X(LABEL10, "label-10", "", UNIT_COUNT, "a script's performance data")\
	X(FREE_PERCENT, "free-percent", "C", UNIT_PERCENT, "free, of the whole")              \
	X(USED_PERCENT, "used-percent", "C", UNIT_PERCENT, "used, of the whole")              \
	X(INODES_USED_PERCENT, "inodes-used-percent", "C", UNIT_PERCENT, "inodes-used, of all") \
	X(LOAD1_PERCENT, "load1-percent", "C", UNIT_PERCENT, "load1, of the number of cores") \
	X(LOAD5_PERCENT, "load5-percent", "C", UNIT_PERCENT, "load5, of the number of cores") \
	X(LOAD15_PERCENT, "load15-percent", "C", UNIT_PERCENT, "load15, of the number of cores") \
	X(MEMORY_USED_PERCENT, "memory-used-percent", "C", UNIT_PERCENT, "memory-used, of all memory") \
	X(SWAP_USED_PERCENT, "swap-used-percent", "C", UNIT_PERCENT, "swap-used, of all swap space") \
	X(RECEIVE_PERCENT, "receive-percent", "C", UNIT_PERCENT, "receive, of speed")         \
	X(SEND_PERCENT, "send-percent", "C", UNIT_PERCENT, "send, of speed")                  \
	X(HEALTHY, "healthy", "R", UNIT_COUNT, "how many backends are healthy")               \
	X(REROUTED, "rerouted", "RP", UNIT_YESNO, "the first choice does not carry the traffic") \
	X(MEMORY_PERCENT, "memory-percent", "S", UNIT_PERCENT, "memory, of memory-max or the machine's") \
	X(MEMORY_TOTAL_PERCENT, "memory-total-percent", "S", UNIT_PERCENT, "memory-total, of the same") \
	X(SWAP_PERCENT, "swap-percent", "S", UNIT_PERCENT, "swap, of the machine's")          \
	X(FDS_PERCENT, "fds-percent", "SC", UNIT_PERCENT, "fds, of the process's or host's limit")

enum metric {
#define METRIC_ENUM(name, text, objects, unit, help) METRIC_##name,
	METRICS(METRIC_ENUM)
#undef METRIC_ENUM
	METRICS_COUNT
};

struct metric_row {
	const char *name;
	const char *objects; /* letters as above */
	enum unit unit;
	const char *help;
};
extern const struct metric_row metric_table[METRICS_COUNT];

/* The metric of that name for that object letter; METRICS_COUNT: none. */
enum metric metric_find(const char *name, size_t length, char object);

/* Where a service's view keeps it, below MSG_SAMPLE_VALUES (base/msg.h); SIZE_MAX: its process is
 * not asked for it. */
size_t metric_sample_slot(enum metric m);

/* The metric that tells m in percent of its whole, as used-percent for used;
 * METRICS_COUNT: nothing is its whole. */
enum metric metric_percent(enum metric m);

#endif
