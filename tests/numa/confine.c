// SPDX-License-Identifier: BSD-3-Clause
//
// Runs a program with less privilege, for tests of what an area then does. For process 1's children
// in the virtual machines of this folder: it is root, and may set up what it gives up.
//
//     confine user PROGRAM [ARGUMENT...]          as nobody, so without CAP_SYS_NICE
//     confine cpuset=NODES PROGRAM [ARGUMENT...]  in a control group that has these nodes only
//     confine seccomp PROGRAM [ARGUMENT...]       with the calls of NUMA forbidden, as in
//     containers
//
// The program finds the first argument in its environment, as CONFINED.

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static _Noreturn void fail(const char *what) {
  fprintf(stderr, "confine: %s: %s\n", what, strerror(errno));
  exit(125);
}

static void write_file(const char *path, const char *text) {
  const int descriptor = open(path, O_WRONLY | O_CLOEXEC);
  if (descriptor < 0 || write(descriptor, text, strlen(text)) < 0)
    fail(path);
  close(descriptor);
}

static void become_nobody(void) {
  enum { NOBODY = 65534 };
  if (setgroups(0, NULL) != 0 || setgid(NOBODY) != 0 || setuid(NOBODY) != 0)
    fail("setuid");
}

static void enter_cpuset(const char *nodes) {
  static const char group[] = "/sys/fs/cgroup/confined";
  char text[32];
  write_file("/sys/fs/cgroup/cgroup.subtree_control", "+cpuset");
  if (mkdir(group, 0755) != 0 && errno != EEXIST)
    fail(group);
  write_file("/sys/fs/cgroup/confined/cpuset.mems", nodes);
  (void)snprintf(text, sizeof text, "%ld", (long)getpid());
  write_file("/sys/fs/cgroup/confined/cgroup.procs", text);
}

static void forbid_numa(void) {
#define REFUSE(call)                                                                               \
  BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_##call, 0, 1),                                           \
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM)
  struct sock_filter filter[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      REFUSE(mbind),
      REFUSE(set_mempolicy),
      REFUSE(get_mempolicy),
      REFUSE(set_mempolicy_home_node),
      REFUSE(move_pages),
      REFUSE(migrate_pages),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
#undef REFUSE
  const struct sock_fprog program = {.len = sizeof filter / sizeof *filter, .filter = filter};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
      prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
    fail("seccomp");
}

int main(int argc, char **argv) {
  if (argc < 3) {
    fprintf(stderr, "usage: confine user|cpuset=NODES|seccomp PROGRAM [ARGUMENT...]\n");
    return 125;
  }
  if (setenv("CONFINED", argv[1], 1) != 0)
    fail("setenv");
  if (strcmp(argv[1], "user") == 0)
    become_nobody();
  else if (strncmp(argv[1], "cpuset=", 7) == 0)
    enter_cpuset(argv[1] + 7);
  else if (strcmp(argv[1], "seccomp") == 0)
    forbid_numa();
  else
    fail("there is no such confinement");
  execv(argv[2], argv + 2);
  fail(argv[2]);
}
