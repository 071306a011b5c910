// The floor under socketat: the same four system calls from C. Waits for "<count>\n", makes that many sockets in a
// network namespace of its own, and answers with the nanoseconds they took.
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static int checked(int result, const char *what) {
  if (result == -1) {
    perror(what);
    exit(1);
  }
  return result;
}

int main(void) {
  const char *here = "/proc/thread-self/ns/net";
  int home = checked(open(here, O_RDONLY | O_CLOEXEC), "open");
  checked(unshare(CLONE_NEWNET), "unshare");
  int red = checked(open(here, O_RDONLY | O_CLOEXEC), "open");
  checked(setns(home, CLONE_NEWNET), "setns");

  long count;
  while (scanf("%ld", &count) == 1) {
    struct timespec a, b;
    clock_gettime(CLOCK_MONOTONIC, &a);
    for (long i = 0; i < count; i++) {
      checked(setns(red, CLONE_NEWNET), "setns");
      int fd = checked(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");
      checked(setns(home, CLONE_NEWNET), "setns");
      checked(close(fd), "close");
    }
    clock_gettime(CLOCK_MONOTONIC, &b);
    printf("%lld\n", (b.tv_sec - a.tv_sec) * 1000000000LL + (b.tv_nsec - a.tv_nsec));
    fflush(stdout);
  }
}
