// Fault injector for LD_PRELOAD: numbers the file-changing calls below a folder and, at one of them, does what it was told.
// All processes of a run share one page (FI_PAGE); tools/faults/injector.py writes the orders into it and reads the count.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>
#include <utime.h>

enum { CHANGES = 1, SPACE = 2, WRITES = 4, SYNCS = 8, OPENS = 16 }; // classes of calls
enum { NOTHING, SIGNAL, ERROR, SHORT, TORN };                       // orders
enum { CALLER, EVERYONE, DRIVER };                                  // whom a signal meets

#define NUMBERS 4096
struct page {
  _Atomic long count, hits;
  long at, again, clock_at, clock_by;
  int on, order, number, sticky, scope, driver, classes, logging;
  char root[1024], log[1024];
  long renumbered;
  unsigned long numbers[2][NUMBERS]; // as they are, as they are to be told
};
static struct page *page;

#define REAL(name) ({ static __typeof__(&name) r; if (!r) r = (__typeof__(&name))dlsym(RTLD_NEXT, #name); r; })

__attribute__((constructor)) static void init(void) {
  const char *name = getenv("FI_PAGE");
  if (!name) return;
  int fd = REAL(open)(name, O_RDWR | O_CLOEXEC);
  if (fd < 0) return;
  void *map = mmap(0, sizeof *page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  close(fd);
  if (map != MAP_FAILED) page = map;
}

// ---- what is meant

static int below(const char *path) {
  size_t n = strlen(page->root);
  return n && !strncmp(path, page->root, n) && (path[n] == '/' || !path[n]);
}

static int of_fd(int fd, char *out) {
  char name[64];
  snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
  ssize_t n = readlink(name, out, PATH_MAX - 1);
  if (n < 0) return 0;
  out[n] = 0;
  return below(out);
}

static int of_path(int dirfd, const char *path, char *out) {
  if (!path) return 0;
  if (path[0] == '/') {
    snprintf(out, PATH_MAX, "%s", path);
    return below(out);
  }
  if (dirfd == AT_FDCWD) {
    if (!getcwd(out, PATH_MAX)) return 0;
  } else {
    char name[64];
    snprintf(name, sizeof name, "/proc/self/fd/%d", dirfd);
    ssize_t n = readlink(name, out, PATH_MAX - 1);
    if (n < 0) return 0;
    out[n] = 0;
  }
  size_t n = strlen(out);
  snprintf(out + n, PATH_MAX - n, "/%s", path);
  return below(out);
}

// ---- the log, from which a power cut is replayed: one line and `size` bytes of data for each call that succeeded

static void note(long seq, const char *op, unsigned long inode, long offset, const char *a, const char *b, const void *data, long size) {
  if (!page->logging) return;
  int kept = errno;
  char head[2 * PATH_MAX + 200];
  int n = snprintf(head, sizeof head, "%ld\t%s\t%lu\t%ld\t%ld\t%s\t%s\n", seq, op, inode, offset, size, a ? a : "", b ? b : "");
  int fd = REAL(open)(page->log, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
  if (fd >= 0) {
    struct iovec parts[2] = {{head, n}, {(void *)data, size}};
    if (REAL(writev)(fd, parts, size > 0 ? 2 : 1) < 0) {}
    close(fd);
  }
  errno = kept;
}

static unsigned long inode_of(int fd, long *size) {
  struct stat s;
  if (fstat(fd, &s)) return 0;
  if (size) *size = s.st_size;
  return s.st_ino;
}

static unsigned long inode_at(const char *path) {
  struct stat s;
  return lstat(path, &s) ? 0 : s.st_ino;
}

static void note_data(long seq, int fd, long offset, long size) { // what now stands in the file, whoever put it there
  if (!page->logging || size <= 0) return;
  char name[64];
  snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
  int again = REAL(open)(name, O_RDONLY | O_CLOEXEC);
  void *data = malloc(size);
  if (again >= 0 && data && pread(again, data, size, offset) == size) note(seq, "write", inode_of(fd, 0), offset, "", "", data, size);
  free(data);
  if (again >= 0) close(again);
}

// ---- the orders

static __thread long seq;
static __thread int torn; // bytes of this write are to be halved, and then the process is killed

static void strike(void) {
  int number = page->number;
  if (page->scope == CALLER || page->scope == EVERYONE) {
    if (page->scope == EVERYONE && page->driver && getpgrp() != page->driver) kill(-page->driver, number);
    kill(page->scope == EVERYONE ? 0 : getpid(), number);
    if (number == SIGKILL) for (;;) pause();
  } else if (page->driver) {
    kill(page->driver, number);
  }
}

// 0: go on; -1: the call fails with errno; 1: the call does half of its work.
static int meets(int classes) {
  seq = 0;
  if (!(classes & page->classes)) return 0;
  long n = atomic_fetch_add(&page->count, 1) + 1;
  seq = n;
  if (page->order == NOTHING || !page->at) return 0;
  if (page->again && n == page->again && page->order == SIGNAL) strike();
  if (n != page->at && !(page->sticky && n > page->at)) return 0;
  atomic_fetch_add(&page->hits, 1);
  switch (page->order) {
  case SIGNAL: strike(); return 0;
  case ERROR: errno = page->number; return -1;
  case SHORT: return 1;
  case TORN: torn = 1; return 1;
  }
  return 0;
}
static void after_half(void) {
  if (torn) { page->number = SIGKILL; strike(); }
}

#define ON (page && page->on)
#define PATHS(A, B) char a_[PATH_MAX] = "", b_[PATH_MAX] = ""; (void)a_; (void)b_; int met_ = 0, in_ = 0; if (ON) { in_ = (A) | (B); }
#define MEET(classes) if (in_) { met_ = meets(classes); if (met_ < 0) return -1; }
#define DONE(result, op, inode, offset) __typeof__(result) done_ = (result); if (in_ && (long)done_ >= 0) note(seq, op, inode, offset, a_, b_, 0, 0); return done_;

// ---- names

int rename(const char *a, const char *b) { PATHS(of_path(AT_FDCWD, a, a_), of_path(AT_FDCWD, b, b_)) MEET(CHANGES) DONE(REAL(rename)(a, b), "rename", 0, 0) }
int renameat(int x, const char *a, int y, const char *b) { PATHS(of_path(x, a, a_), of_path(y, b, b_)) MEET(CHANGES) DONE(REAL(renameat)(x, a, y, b), "rename", 0, 0) }
int renameat2(int x, const char *a, int y, const char *b, unsigned f) { PATHS(of_path(x, a, a_), of_path(y, b, b_)) MEET(CHANGES) DONE(REAL(renameat2)(x, a, y, b, f), f & RENAME_EXCHANGE ? "exchange" : "rename", 0, 0) }
int link(const char *a, const char *b) { PATHS(of_path(AT_FDCWD, a, a_), of_path(AT_FDCWD, b, b_)) MEET(CHANGES | SPACE) DONE(REAL(link)(a, b), "link", 0, 0) }
int linkat(int x, const char *a, int y, const char *b, int f) { PATHS(of_path(x, a, a_), of_path(y, b, b_)) MEET(CHANGES | SPACE) DONE(REAL(linkat)(x, a, y, b, f), "link", 0, 0) }
int symlink(const char *a, const char *b) { PATHS(0, of_path(AT_FDCWD, b, b_)) snprintf(a_, PATH_MAX, "%s", a); MEET(CHANGES | SPACE) DONE(REAL(symlink)(a, b), "symlink", 0, 0) }
int symlinkat(const char *a, int y, const char *b) { PATHS(0, of_path(y, b, b_)) snprintf(a_, PATH_MAX, "%s", a); MEET(CHANGES | SPACE) DONE(REAL(symlinkat)(a, y, b), "symlink", 0, 0) }
int unlink(const char *a) { PATHS(of_path(AT_FDCWD, a, a_), 0) MEET(CHANGES) DONE(REAL(unlink)(a), "unlink", 0, 0) }
int unlinkat(int x, const char *a, int f) { PATHS(of_path(x, a, a_), 0) MEET(CHANGES) DONE(REAL(unlinkat)(x, a, f), "unlink", 0, 0) }
int rmdir(const char *a) { PATHS(of_path(AT_FDCWD, a, a_), 0) MEET(CHANGES) DONE(REAL(rmdir)(a), "unlink", 0, 0) }
int remove(const char *a) { PATHS(of_path(AT_FDCWD, a, a_), 0) MEET(CHANGES) DONE(REAL(remove)(a), "unlink", 0, 0) }
int mkdir(const char *a, mode_t m) { PATHS(of_path(AT_FDCWD, a, a_), 0) MEET(CHANGES | SPACE) DONE(REAL(mkdir)(a, m), "mkdir", inode_at(a_), m) }
int mkdirat(int x, const char *a, mode_t m) { PATHS(of_path(x, a, a_), 0) MEET(CHANGES | SPACE) DONE(REAL(mkdirat)(x, a, m), "mkdir", inode_at(a_), m) }
int mkfifo(const char *a, mode_t m) { PATHS(of_path(AT_FDCWD, a, a_), 0) MEET(CHANGES | SPACE) DONE(REAL(mkfifo)(a, m), "mkfifo", 0, m) }

// ---- modes, owners, times, attributes

int chmod(const char *a, mode_t m) { PATHS(of_path(AT_FDCWD, a, a_), 0) MEET(CHANGES) DONE(REAL(chmod)(a, m), "chmod", 0, m) }
int fchmod(int fd, mode_t m) { PATHS(of_fd(fd, a_), 0) MEET(CHANGES) DONE(REAL(fchmod)(fd, m), "fchmod", inode_of(fd, 0), m) }
int fchmodat(int x, const char *a, mode_t m, int f) { PATHS(of_path(x, a, a_), 0) MEET(CHANGES) DONE(REAL(fchmodat)(x, a, m, f), "chmod", 0, m) }
int chown(const char *a, uid_t u, gid_t g) { PATHS(of_path(AT_FDCWD, a, a_), 0) MEET(CHANGES) DONE(REAL(chown)(a, u, g), "chown", 0, 0) }
int lchown(const char *a, uid_t u, gid_t g) { PATHS(of_path(AT_FDCWD, a, a_), 0) MEET(CHANGES) DONE(REAL(lchown)(a, u, g), "chown", 0, 0) }
int fchown(int fd, uid_t u, gid_t g) { PATHS(of_fd(fd, a_), 0) MEET(CHANGES) DONE(REAL(fchown)(fd, u, g), "chown", 0, 0) }
int fchownat(int x, const char *a, uid_t u, gid_t g, int f) { PATHS(of_path(x, a, a_), 0) MEET(CHANGES) DONE(REAL(fchownat)(x, a, u, g, f), "chown", 0, 0) }
#pragma GCC diagnostic ignored "-Wnonnull-compare"
int utimensat(int x, const char *a, const struct timespec t[2], int f) { PATHS(a ? of_path(x, a, a_) : of_fd(x, a_), 0) MEET(CHANGES) int done_ = REAL(utimensat)(x, a, t, f); if (in_ && !done_) note(seq, "utime", 0, 0, a_, "", t, t ? 2 * sizeof *t : 0); return done_; }
int futimens(int fd, const struct timespec t[2]) { PATHS(of_fd(fd, a_), 0) MEET(CHANGES) int done_ = REAL(futimens)(fd, t); if (in_ && !done_) note(seq, "utime", inode_of(fd, 0), 0, a_, "", t, t ? 2 * sizeof *t : 0); return done_; }
int utimes(const char *a, const struct timeval t[2]) { PATHS(of_path(AT_FDCWD, a, a_), 0) MEET(CHANGES) DONE(REAL(utimes)(a, t), "utime", 0, 0) }
int utime(const char *a, const struct utimbuf *t) { PATHS(of_path(AT_FDCWD, a, a_), 0) MEET(CHANGES) DONE(REAL(utime)(a, t), "utime", 0, 0) }
int setxattr(const char *a, const char *n, const void *v, size_t s, int f) { extern int setxattr(const char *, const char *, const void *, size_t, int); PATHS(of_path(AT_FDCWD, a, a_), 0) MEET(CHANGES | SPACE) DONE(REAL(setxattr)(a, n, v, s, f), "xattr", 0, 0) }
int lsetxattr(const char *a, const char *n, const void *v, size_t s, int f) { extern int lsetxattr(const char *, const char *, const void *, size_t, int); PATHS(of_path(AT_FDCWD, a, a_), 0) MEET(CHANGES | SPACE) DONE(REAL(lsetxattr)(a, n, v, s, f), "xattr", 0, 0) }
int fsetxattr(int fd, const char *n, const void *v, size_t s, int f) { extern int fsetxattr(int, const char *, const void *, size_t, int); PATHS(of_fd(fd, a_), 0) MEET(CHANGES | SPACE) DONE(REAL(fsetxattr)(fd, n, v, s, f), "xattr", 0, 0) }

// ---- contents

static int classes_of(int flags) {
  if (flags & (O_CREAT | (O_TMPFILE & ~O_DIRECTORY))) return CHANGES | SPACE | OPENS;
  if (flags & O_TRUNC || (flags & O_ACCMODE) != O_RDONLY) return CHANGES | OPENS;
  return OPENS;
}

#define OPEN(call)                                                                          \
  PATHS(of_path(dir, path, a_), 0)                                                          \
  mode_t mode = 0;                                                                          \
  if (flags & (O_CREAT | (O_TMPFILE & ~O_DIRECTORY))) { va_list l; va_start(l, flags); mode = va_arg(l, mode_t); va_end(l); } \
  MEET(classes_of(flags))                                                                   \
  int fd = call;                                                                            \
  if (in_ && fd >= 0 && classes_of(flags) & CHANGES) note(seq, flags & O_TRUNC ? "create" : "open", inode_of(fd, 0), mode, a_, "", 0, 0); \
  return fd;
int open(const char *path, int flags, ...) { int dir = AT_FDCWD; OPEN(REAL(open)(path, flags, mode)) }
int open64(const char *path, int flags, ...) { int dir = AT_FDCWD; OPEN(REAL(open64)(path, flags, mode)) }
int openat(int dir, const char *path, int flags, ...) { OPEN(REAL(openat)(dir, path, flags, mode)) }
int openat64(int dir, const char *path, int flags, ...) { OPEN(REAL(openat64)(dir, path, flags, mode)) }
int creat(const char *path, mode_t mode) { return open(path, O_CREAT | O_WRONLY | O_TRUNC, mode); }
int creat64(const char *path, mode_t mode) { return open64(path, O_CREAT | O_WRONLY | O_TRUNC, mode); }
FILE *fopen64(const char *path, const char *how) {
  char a_[PATH_MAX];
  if (ON && strpbrk(how, "wa+") && of_path(AT_FDCWD, path, a_) && meets(CHANGES | SPACE | OPENS) < 0) return 0;
  return REAL(fopen64)(path, how);
}
FILE *fopen(const char *path, const char *how) { return fopen64(path, how); }

static long where(int fd) { // where the next write goes
  long size = 0;
  inode_of(fd, &size);
  return fcntl(fd, F_GETFL) & O_APPEND ? size : lseek(fd, 0, SEEK_CUR);
}
#define WRITE(type, begin, size, half, whole)                                               \
  PATHS(of_fd(fd, a_), 0)                                                                   \
  if (!in_) return whole;                                                                   \
  MEET(CHANGES | SPACE | WRITES)                                                            \
  long from_ = begin;                                                                       \
  long seq_ = seq;                                                                          \
  type done_ = met_ > 0 && (size) > 1 ? half : whole;                                       \
  if (done_ > 0) note_data(seq_, fd, from_, done_);                                         \
  if (met_ > 0) after_half();                                                               \
  return done_;
ssize_t write(int fd, const void *b, size_t n) { WRITE(ssize_t, where(fd), n, REAL(write)(fd, b, n / 2), REAL(write)(fd, b, n)) }
ssize_t pwrite(int fd, const void *b, size_t n, off_t o) { WRITE(ssize_t, o, n, REAL(pwrite)(fd, b, n / 2, o), REAL(pwrite)(fd, b, n, o)) }
ssize_t pwrite64(int fd, const void *b, size_t n, off64_t o) { WRITE(ssize_t, o, n, REAL(pwrite64)(fd, b, n / 2, o), REAL(pwrite64)(fd, b, n, o)) }
ssize_t writev(int fd, const struct iovec *v, int n) { WRITE(ssize_t, where(fd), n, REAL(writev)(fd, v, n / 2), REAL(writev)(fd, v, n)) }
ssize_t sendfile(int fd, int in, off_t *o, size_t n) { WRITE(ssize_t, where(fd), n, REAL(sendfile)(fd, in, o, n / 2), REAL(sendfile)(fd, in, o, n)) }
ssize_t sendfile64(int fd, int in, off64_t *o, size_t n) { WRITE(ssize_t, where(fd), n, REAL(sendfile64)(fd, in, o, n / 2), REAL(sendfile64)(fd, in, o, n)) }
ssize_t copy_file_range(int in, off64_t *x, int fd, off64_t *y, size_t n, unsigned f) { WRITE(ssize_t, y ? *y : where(fd), n, REAL(copy_file_range)(in, x, fd, y, n / 2, f), REAL(copy_file_range)(in, x, fd, y, n, f)) }
ssize_t splice(int in, off64_t *x, int fd, off64_t *y, size_t n, unsigned f) { WRITE(ssize_t, y ? *y : where(fd), n, REAL(splice)(in, x, fd, y, n / 2, f), REAL(splice)(in, x, fd, y, n, f)) }
int ftruncate(int fd, off_t n) { PATHS(of_fd(fd, a_), 0) MEET(CHANGES) DONE(REAL(ftruncate)(fd, n), "truncate", inode_of(fd, 0), n) }
int ftruncate64(int fd, off64_t n) { PATHS(of_fd(fd, a_), 0) MEET(CHANGES) DONE(REAL(ftruncate64)(fd, n), "truncate", inode_of(fd, 0), n) }
int truncate(const char *a, off_t n) { PATHS(of_path(AT_FDCWD, a, a_), 0) MEET(CHANGES) DONE(REAL(truncate)(a, n), "truncate", 0, n) }
int truncate64(const char *a, off64_t n) { PATHS(of_path(AT_FDCWD, a, a_), 0) MEET(CHANGES) DONE(REAL(truncate64)(a, n), "truncate", 0, n) }
int fallocate64(int fd, int m, off64_t o, off64_t n) { PATHS(of_fd(fd, a_), 0) MEET(CHANGES | SPACE) DONE(REAL(fallocate64)(fd, m, o, n), "fallocate", 0, 0) }
int posix_fallocate64(int fd, off64_t o, off64_t n) { PATHS(of_fd(fd, a_), 0) if (in_) { met_ = meets(CHANGES | SPACE); if (met_ < 0) return errno; } return REAL(posix_fallocate64)(fd, o, n); }
int ioctl(int fd, unsigned long request, ...) {
  va_list l;
  va_start(l, request);
  void *argument = va_arg(l, void *);
  va_end(l);
  int clone = request == FICLONE || request == FICLONERANGE;
  PATHS(clone ? of_fd(fd, a_) : 0, 0)
  MEET(CHANGES | SPACE)
  int done = REAL(ioctl)(fd, request, argument);
  long size = 0;
  if (in_ && !done && inode_of(fd, &size)) note_data(seq, fd, 0, size);
  return done;
}
void *mmap64(void *at, size_t n, int prot, int flags, int fd, off64_t o) {
  char a_[PATH_MAX];
  if (ON && fd >= 0 && flags & MAP_SHARED && prot & PROT_WRITE && of_fd(fd, a_) && meets(CHANGES | SPACE) < 0) return MAP_FAILED;
  return REAL(mmap64)(at, n, prot, flags, fd, o);
}

// ---- what makes it last

int fsync(int fd) { PATHS(of_fd(fd, a_), 0) MEET(CHANGES | SYNCS) DONE(REAL(fsync)(fd), "fsync", inode_of(fd, 0), 0) }
int fdatasync(int fd) { PATHS(of_fd(fd, a_), 0) MEET(CHANGES | SYNCS) DONE(REAL(fdatasync)(fd), "fsync", inode_of(fd, 0), 0) }
int syncfs(int fd) { PATHS(of_fd(fd, a_), 0) MEET(CHANGES | SYNCS) if (in_) { note(seq, "sync", 0, 0, a_, "", 0, 0); return 0; } return REAL(syncfs)(fd); } // real ones would wait for the whole machine
void sync(void) { if (ON) { meets(CHANGES | SYNCS); note(seq, "sync", 0, 0, "", "", 0, 0); } else REAL(sync)(); }

// ---- calls by number: ctypes, and programs that do not wait for their libc

long syscall(long number, ...) {
  va_list l;
  va_start(l, number);
  long v[6];
  for (int i = 0; i < 6; i++) v[i] = va_arg(l, long);
  va_end(l);
  if (ON) {
    switch (number) {
    case SYS_renameat2: return renameat2(v[0], (char *)v[1], v[2], (char *)v[3], v[4]);
    case SYS_renameat: return renameat(v[0], (char *)v[1], v[2], (char *)v[3]);
    case SYS_copy_file_range: return copy_file_range(v[0], (off64_t *)v[1], v[2], (off64_t *)v[3], v[4], v[5]);
    case SYS_fsync: return fsync(v[0]);
    case SYS_syncfs: return syncfs(v[0]);
    case SYS_fchmod: return fchmod(v[0], v[1]);
#ifdef SYS_fchmodat2
    case SYS_fchmodat2: return fchmodat(v[0], (char *)v[1], v[2], v[3]);
#endif
    }
  }
  return REAL(syscall)(number, v[0], v[1], v[2], v[3], v[4], v[5]);
}

// ---- the clock: from a call on, it stands where it is told to

static void shifted(struct timespec *t) {
  if (ON && page->clock_at && page->count >= page->clock_at) t->tv_sec += page->clock_by;
}
int clock_gettime(clockid_t which, struct timespec *t) {
  int done = REAL(clock_gettime)(which, t);
  if (!done && which == CLOCK_REALTIME) shifted(t);
  return done;
}
time_t time(time_t *out) {
  struct timespec t;
  clock_gettime(CLOCK_REALTIME, &t);
  if (out) *out = t.tv_sec;
  return t.tv_sec;
}

// ---- inode numbers: a disk that was rebuilt after a power cut tells those that it had

static void renumber(struct stat64 *s) {
  if (!ON) return;
  for (long i = 0; i < page->renumbered; i++)
    if (page->numbers[0][i] == s->st_ino) {
      s->st_ino = page->numbers[1][i];
      return;
    }
}
#define STAT(name, parameters, arguments) int name parameters { int done = REAL(name) arguments; if (!done) renumber((struct stat64 *)s); return done; }
STAT(stat64, (const char *path, struct stat64 *s), (path, s))
STAT(lstat64, (const char *path, struct stat64 *s), (path, s))
STAT(fstat64, (int fd, struct stat64 *s), (fd, s))
STAT(fstatat64, (int dir, const char *path, struct stat64 *s, int flags), (dir, path, s, flags))
