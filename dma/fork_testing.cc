// SPDX-License-Identifier: BSD-3-Clause

#include "aml/dma/fork_testing.h"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>

#include "aml/core/error.h"
#include "aml/core/tile.h"

namespace aml_testing {
namespace {

using Entries = std::filesystem::directory_iterator;

enum { kPatienceSeconds = 100 };

/** Does the work of a child, and says to a descriptor what is wrong. */
[[noreturn]] void BeAChild(int descriptor, const std::function<std::string()> &work) {
  (void)alarm(kPatienceSeconds);
  const std::string wrong = work();
  const ssize_t written = write(descriptor, wrong.data(), wrong.size());
  _exit(wrong.empty() && written == 0 ? 0 : 1);
}

std::string ReadAll(int descriptor) {
  std::string all;
  char some[256];
  ssize_t size;
  while ((size = read(descriptor, some, sizeof some)) > 0)
    all.append(some, static_cast<size_t>(size));
  return all;
}

/** What is wrong with a call that should have been refused in words of `named`. */
std::string Unrefused(const char *call, int err, const char *named) {
  const std::string expected = std::string(named) + ": dma belongs to the process that forked";
  if (err == -AML_EPERM && expected == aml_error_detail())
    return "";
  return std::string(call) + " says " + std::to_string(err) + ", " + aml_error_detail() + "; ";
}

/** Two tiles of some bytes. */
struct Tiles {
  char to[64] = {};
  char from[64] = {1, 2, 3};
  aml_tile dst = aml_tile_bytes(to, sizeof to);
  aml_tile src = aml_tile_bytes(from, sizeof from);
};

std::string SubmitInVain(aml_dma *dma) {
  Tiles tiles;
  aml_dma_request request = {};
  const aml_dma_transfer transfer = {&request, &tiles.dst, &tiles.src, nullptr};
  size_t taken = 1;
  std::string wrong = Unrefused(
      "submit", aml_dma_submit(dma, &request, &tiles.dst, &tiles.src, nullptr), "aml_dma_submit");
  wrong +=
      Unrefused("submit_many", aml_dma_submit_many(dma, 1, &transfer, &taken), "aml_dma_submit");
  wrong += Unrefused("copy", aml_dma_copy(dma, &tiles.dst, &tiles.src, nullptr), "aml_dma_submit");
  if (taken != 0 || aml_dma_request_state(&request) != AML_DMA_IDLE || tiles.to[0] != 0)
    wrong += "a request was taken; ";
  return wrong;
}

} // namespace

std::string InAChild(const std::function<std::string()> &work) {
  int ends[2];
  if (pipe(ends) != 0)
    return "no pipe";
  const pid_t child = fork();
  if (child == 0) {
    close(ends[0]);
    BeAChild(ends[1], work);
  }
  close(ends[1]);
  std::string wrong = ReadAll(ends[0]);
  close(ends[0]);
  int status = 0;
  if (child < 0 || waitpid(child, &status, 0) != child)
    return wrong + "no child";
  if (WIFSIGNALED(status))
    wrong +=
        WTERMSIG(status) == SIGALRM ? "it hangs" : "signal " + std::to_string(WTERMSIG(status));
  return wrong;
}

std::string AskInVain(aml_dma *dma, aml_dma_request *in_flight) {
  aml_dma_request before;
  aml_dma_request *const requests[] = {nullptr, in_flight};
  bool done = false;
  size_t index = 0;
  std::memcpy(&before, in_flight, sizeof before);
  std::string wrong = SubmitInVain(dma);
  wrong += Unrefused("barrier", aml_dma_barrier(dma), "aml_dma_barrier");
  wrong += Unrefused("wait", aml_dma_wait(in_flight), "aml_dma_wait");
  wrong += Unrefused("test", aml_dma_test(in_flight, &done), "aml_dma_test");
  wrong += Unrefused("wait_any", aml_dma_wait_any(2, requests, &index), "aml_dma_test");
  wrong += Unrefused("cancel", aml_dma_cancel(in_flight), "aml_dma_cancel");
  if (std::memcmp(&before, in_flight, sizeof before) != 0)
    wrong += "a request of the parent has changed; ";
  return wrong;
}

std::string Use(aml_dma *dma, aml_dma_request *after) {
  Tiles tiles;
  std::string wrong;
  aml_dma_request request = {};
  aml_dma_options options = {};
  aml_dma_request *const others[] = {after};
  if (aml_dma_copy(dma, &tiles.dst, &tiles.src, nullptr) != 0 ||
      !std::equal(tiles.from, tiles.from + sizeof tiles.from, tiles.to))
    wrong += "a dma of the child does not copy; ";
  options.after = others;
  options.after_count = 1;
  if (aml_dma_submit(dma, &request, &tiles.dst, &tiles.src, &options) != 0 ||
      aml_dma_wait(&request) != -AML_ECANCELED)
    wrong += "what comes after a request of the parent is not called off; ";
  AwaitSleep();
  wrong += InAChild([&] { return SubmitInVain(dma); });
  if (aml_dma_copy(dma, &tiles.dst, &tiles.src, nullptr) != 0)
    wrong += "a dma does not copy once its process has forked; ";
  return wrong;
}

void AwaitSleep() {
  const std::string own = std::to_string(gettid());
  for (bool is_asleep = false; !is_asleep; std::this_thread::yield()) {
    is_asleep = true;
    for (const auto &thread : Entries("/proc/self/task")) {
      std::string stat; // "number (name) state …", empty of one that ends meanwhile
      std::getline(std::ifstream(thread.path() / "stat"), stat);
      const size_t end = stat.rfind(") ");
      is_asleep &=
          thread.path().filename() == own || end == std::string::npos || stat[end + 2] == 'S';
    }
  }
}

size_t CountDescriptors() {
  return static_cast<size_t>(std::distance(Entries("/proc/self/fd"), Entries()));
}

} // namespace aml_testing
