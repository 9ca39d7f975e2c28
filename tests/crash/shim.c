/*
 * What reached the disk: copies every write to the database's log and every fsync of it into a recording.
 *
 * RECORDED names the file to watch (by the end of its path), RECORDING where to. A record is: one byte (W write,
 * S sync, A acknowledged line on standard output), offset and length as 8 bytes each, then the bytes.
 * FAIL_SYNC=n makes the n-th and all later fsyncs of that file fail with EIO. While the file that FAIL_SYNCS names
 * exists all its fsyncs fail so, and while the one of FAIL_WRITES exists its writes fail with ENOSPC: a full disk.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static ssize_t (*real_pwrite)(int, const void *, size_t, off_t);
static ssize_t (*real_write)(int, const void *, size_t);
static int (*real_fsync)(int);
static int (*real_fdatasync)(int);
static int recording = -1;
static const char *watched, *no_syncs, *no_room;
static long fail_at, syncs;
static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;

__attribute__((constructor)) static void begin(void) {
    real_pwrite = dlsym(RTLD_NEXT, "pwrite64");
    real_write = dlsym(RTLD_NEXT, "write");
    real_fsync = dlsym(RTLD_NEXT, "fsync");
    real_fdatasync = dlsym(RTLD_NEXT, "fdatasync");
    watched = getenv("RECORDED");
    no_syncs = getenv("FAIL_SYNCS");
    no_room = getenv("FAIL_WRITES");
    fail_at = getenv("FAIL_SYNC") ? atol(getenv("FAIL_SYNC")) : 0;
    if (getenv("RECORDING")) recording = open(getenv("RECORDING"), O_WRONLY | O_CREAT | O_APPEND, 0600);
}

static int is_watched(int fd) {
    char link[64], path[4096];
    if (!watched) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, sizeof path - 1);
    size_t want = strlen(watched);
    return n > 0 && (size_t)n >= want && memcmp(path + n - want, watched, want) == 0;
}

static void record(char kind, const void *bytes, uint64_t length, uint64_t offset) {
    char head[17];
    if (recording < 0) return;
    head[0] = kind;
    memcpy(head + 1, &offset, 8);
    memcpy(head + 9, &length, 8);
    pthread_mutex_lock(&one_at_a_time);
    if (real_write(recording, head, sizeof head) < 0 || (length && real_write(recording, bytes, length) < 0)) abort();
    pthread_mutex_unlock(&one_at_a_time);
}

ssize_t pwrite64(int fd, const void *bytes, size_t length, off_t offset) {
    if (no_room && is_watched(fd) && access(no_room, F_OK) == 0) {
        errno = ENOSPC;
        return -1;
    }
    ssize_t done = real_pwrite(fd, bytes, length, offset);
    if (done > 0 && is_watched(fd)) record('W', bytes, (uint64_t)done, (uint64_t)offset);
    return done;
}

ssize_t pwrite(int fd, const void *bytes, size_t length, off_t offset) { return pwrite64(fd, bytes, length, offset); }

ssize_t write(int fd, const void *bytes, size_t length) {
    if (fd == 1) record('A', bytes, length, 0);
    return real_write(fd, bytes, length);
}

static int synced(int fd, int (*real)(int)) {
    if (!is_watched(fd)) return real(fd);
    if ((fail_at && ++syncs >= fail_at) || (no_syncs && access(no_syncs, F_OK) == 0)) {
        errno = EIO;
        return -1;
    }
    int done = real(fd);
    if (done == 0) record('S', NULL, 0, 0);
    return done;
}

int fsync(int fd) { return synced(fd, real_fsync); }
int fdatasync(int fd) { return synced(fd, real_fdatasync); }
