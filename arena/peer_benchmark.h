// SPDX-License-Identifier: BSD-3-Clause
//
// The same work for every arena that frees single blocks, and for the allocators that it is to be
// compared with, in one process: glibc's malloc, and jemalloc, mimalloc and tcmalloc where Debian's
// libjemalloc2, libmimalloc2.0 and libtcmalloc-minimal4 are installed. Each is called through a
// pointer, arenas by the generic call.
//
//     aml_arena *Make() { … return an arena, or null … }
//     const bool registered = aml_benchmark::BenchmarkArena("ArenaTlsf", Make) &&
//                             aml_benchmark::BenchmarkPeers();
//
//   BM_<name>_Pair/<bytes>       allocates a block, writes 8 bytes, frees it
//   BM_<name>_Replace/<bytes>    of 10,000 blocks, log-uniform from 16 bytes, frees a random
//                                one and allocates another in its place
//   BM_<name>_Bulk/<bytes>       allocates 1000 blocks, then frees them in order; time is for all
//   BM_<name>_Scatter/<bytes>    allocates 100,000 blocks, writes 8 bytes to each, and frees
//                                them at random; time is for all
//   BM_<name>_Overhead/<bytes>   fills 64 MiB, or 2048 times the size, with log-uniform blocks
//                                from 16 bytes, and replaces them four times over; the counter
//                                `overhead` is what the arena holds, metadata included, for each
//                                byte that was asked for
//   BM_<name>_Handover/<bytes>   one thread allocates blocks of 64 bytes, or log-uniform ones from
//                                16 bytes, and writes 8 bytes; another one frees them. A batch of
//                                64 is an iteration; CPU is that of both. Where processors are far
//                                apart it is the time of their caches: compare within one run

#ifndef AML_ARENA_PEER_BENCHMARK_H
#define AML_ARENA_PEER_BENCHMARK_H

#include "aml/core/arena.h"

namespace aml_benchmark {

/** Returns an arena that was created, or null. */
using MakeArena = aml_arena *(*)();

/** Registers the work for a type of arena, named "ArenaBump" and so on. Returns: true. */
bool BenchmarkArena(const char *name, MakeArena make);

/** Registers Handover for a type of arena that is thread-safe, and for each peer. Returns: true. */
bool BenchmarkHandover(const char *name, MakeArena make);

/** Registers the work for each peer that there is, Handover apart. Returns: true. */
bool BenchmarkPeers();

} // namespace aml_benchmark

#endif
