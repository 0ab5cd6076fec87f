// SPDX-License-Identifier: BSD-3-Clause
//
// unix(7), SCM_RIGHTS.

#include "area/internal/shm_socket.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "aml/core/error.h"

/** Room for more descriptors than one, so that those of a hostile message are closed. */
enum { MOST = 16 };

union control {
  struct cmsghdr alignment;
  char bytes[CMSG_SPACE(MOST * sizeof(int))];
};

int aml_internal_shm_send(const char *call, int socket, int descriptor, uint64_t offset,
                          uint64_t size) {
  struct aml_internal_shm_message message = {AML_INTERNAL_SHM_MAGIC, offset, size};
  union control control = {.bytes = {0}};
  struct iovec text = {.iov_base = &message, .iov_len = sizeof message};
  struct msghdr header = {.msg_iov = &text,
                          .msg_iovlen = 1,
                          .msg_control = control.bytes,
                          .msg_controllen = CMSG_SPACE(sizeof descriptor)};
  struct cmsghdr *const rights = CMSG_FIRSTHDR(&header);
  rights->cmsg_level = SOL_SOCKET;
  rights->cmsg_type = SCM_RIGHTS;
  rights->cmsg_len = CMSG_LEN(sizeof descriptor);
  memcpy(CMSG_DATA(rights), &descriptor, sizeof descriptor);
  ssize_t sent = 0;
  do
    sent = sendmsg(socket, &header, MSG_NOSIGNAL);
  while (sent < 0 && errno == EINTR);
  if (sent < 0)
    return aml_error_set_system(call, "sendmsg", errno);
  return sent == (ssize_t)sizeof message
             ? 0
             : aml_error_set(-AML_EIO, call, "socket", "took a part of the message only");
}

/** Takes the descriptors out of a message; more than one are all closed. */
static int take_descriptors(struct msghdr *header, int *descriptor) {
  int found[MOST];
  size_t count = 0;
  for (struct cmsghdr *at = CMSG_FIRSTHDR(header); at != NULL; at = CMSG_NXTHDR(header, at)) {
    if (at->cmsg_level != SOL_SOCKET || at->cmsg_type != SCM_RIGHTS)
      continue;
    const size_t here = (at->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < here && count < MOST; ++i)
      memcpy(&found[count++], CMSG_DATA(at) + i * sizeof(int), sizeof(int));
  }
  if (count == 1) {
    *descriptor = found[0];
    return 1;
  }
  for (size_t i = 0; i < count; ++i)
    (void)close(found[i]);
  return 0;
}

int aml_internal_shm_receive(const char *call, int socket, struct aml_internal_shm_message *message,
                             int *descriptor) {
  struct aml_internal_shm_message got = {0};
  union control control = {.bytes = {0}};
  struct iovec text = {.iov_base = &got, .iov_len = sizeof got};
  struct msghdr header = {.msg_iov = &text,
                          .msg_iovlen = 1,
                          .msg_control = control.bytes,
                          .msg_controllen = sizeof control};
  ssize_t received = 0;
  do
    received = recvmsg(socket, &header, MSG_CMSG_CLOEXEC | MSG_WAITALL);
  while (received < 0 && errno == EINTR);
  if (received < 0)
    return aml_error_set_system(call, "recvmsg", errno);
  int one = -1;
  const int has_one = take_descriptors(&header, &one);
  if (received == 0)
    return aml_error_set(-AML_EIO, call, "socket", "was closed at the other end");
  if (!has_one || received != (ssize_t)sizeof got || got.magic != AML_INTERNAL_SHM_MAGIC ||
      (header.msg_flags & MSG_CTRUNC) != 0) {
    if (has_one)
      (void)close(one);
    return aml_error_set(-AML_EIO, call, "socket", "brought something else than a mapping");
  }
  *message = got;
  *descriptor = one;
  return 0;
}
