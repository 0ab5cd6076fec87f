// SPDX-License-Identifier: BSD-3-Clause
/*
 * All of AML in one include: the interfaces of core/, and every type of every block.
 *
 * Depend on @aml//:aml for it. A program that knows which types it uses includes their
 * headers instead, and links nothing else.
 */
#ifndef AML_AML_H
#define AML_AML_H

#include "aml/area/cached.h"
#include "aml/area/fallback.h"
#include "aml/area/file.h"
#include "aml/area/fixed.h"
#include "aml/area/heap.h"
#include "aml/area/limited.h"
#include "aml/area/linux.h"
#include "aml/area/shm.h"
#include "aml/area/tracked.h"
#include "aml/arena/bump.h"
#include "aml/arena/tlsf.h"
#include "aml/binding/block.h"
#include "aml/binding/cyclic.h"
#include "aml/binding/function.h"
#include "aml/binding/grid.h"
#include "aml/binding/interleave.h"
#include "aml/binding/local.h"
#include "aml/binding/near.h"
#include "aml/binding/single.h"
#include "aml/binding/table.h"
#include "aml/binding/weighted.h"
#include "aml/core/area.h"
#include "aml/core/area_report.h"
#include "aml/core/arena.h"
#include "aml/core/binding.h"
#include "aml/core/cpuset.h"
#include "aml/core/device.h"
#include "aml/core/device_facts.h"
#include "aml/core/device_format.h"
#include "aml/core/device_rank.h"
#include "aml/core/dma.h"
#include "aml/core/error.h"
#include "aml/core/nodeset.h"
#include "aml/core/probe.h"
#include "aml/core/scratchpad.h"
#include "aml/core/tile.h"
#include "aml/core/tiling.h"
#include "aml/core/tiling_iterator.h"
#include "aml/core/version.h"
#include "aml/dma/file.h"
#include "aml/dma/parallel.h"
#include "aml/dma/remap.h"
#include "aml/dma/sequential.h"
#include "aml/scratchpad/sequential.h"
#include "aml/tiling/1d.h"
#include "aml/tiling/blocked.h"
#include "aml/tiling/clipped.h"
#include "aml/tiling/halo.h"
#include "aml/tiling/morton.h"
#include "aml/tiling/nested.h"
#include "aml/tiling/padded.h"
#include "aml/tiling/ragged.h"

#endif
