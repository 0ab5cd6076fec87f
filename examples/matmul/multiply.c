// SPDX-License-Identifier: BSD-3-Clause

#include "aml/examples/matmul/multiply.h"

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "aml/core/dma.h"
#include "aml/core/error.h"
#include "aml/core/tile.h"
#include "aml/core/tiling.h"
#include "aml/examples/matmul/file_area.h"
#include "aml/examples/matmul/file_dma.h"
#include "aml/scratchpad/sequential.h"
#include "aml/tiling/clipped.h"

/** One matrix: where it lies, how it is cut, and what of it is in memory. Zeroed: nothing. */
struct operand {
  struct aml_area *file;
  char *start; /**< where the file is mapped */
  size_t size; /**< bytes of the mapping */
  struct aml_tiling *tiling;
  struct aml_scratchpad *scratchpad;
};

/** The multiplication while it runs. */
struct work {
  const struct multiply_task *task;
  struct operand a;
  struct operand b;
  struct operand c;
  size_t grid_m;
  size_t grid_n;
  size_t grid_k;
  uint64_t done; /**< products of tiles */
  double kernel_seconds;
};

static double now(void) {
  struct timespec time;
  (void)clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

/** Maps a file, and describes its matrix as a tile: the datum that is to be cached. */
static int map_datum(const struct npy_file *file, struct operand *operand, struct aml_tile *datum) {
  const size_t extent[2] = {file->header.rows, file->header.columns};
  operand->start = aml_area_map(operand->file, file->size, NULL);
  if (operand->start == NULL)
    return aml_error_code();
  operand->size = file->size;
  return aml_tile_dense(datum, operand->file, operand->start + file->header.data_offset,
                        file->header.element_size, 2, extent,
                        file->header.fortran_order ? AML_ORDER_COLUMN : AML_ORDER_ROW);
}

/** Puts the blocks of one matrix together; whatever comes of it, close_operand() takes it apart. */
static int open_operand(const struct npy_file *file, const size_t tile_extent[2], size_t slots,
                        struct aml_dma *dma, struct aml_area *fast, struct operand *operand) {
  const size_t extent[2] = {file->header.rows, file->header.columns};
  struct aml_tile datum;
  // Slots have the file's order, so that its runs are runs in memory too.
  const struct aml_scratchpad_sequential_options options = {
      .slot_count = slots, .order = file->header.fortran_order ? AML_ORDER_COLUMN : AML_ORDER_ROW};
  int err = file_area_create(&operand->file, file->descriptor, file->size);
  if (!err)
    err = map_datum(file, operand, &datum);
  if (!err)
    err = aml_tiling_clipped_create(&operand->tiling, file->header.element_size, 2, extent,
                                    tile_extent, NULL);
  if (!err)
    err = aml_scratchpad_sequential_create(&operand->scratchpad, fast, &datum, operand->tiling, dma,
                                           &options);
  return err;
}

static void close_operand(struct operand *operand) {
  aml_scratchpad_destroy(&operand->scratchpad);
  aml_tiling_destroy(&operand->tiling);
  // Cannot fail: it was mapped so, or not at all.
  (void)!aml_area_unmap(operand->file, operand->start, operand->size);
  aml_area_destroy(&operand->file);
}

static size_t count_tiles(size_t extent, size_t tile) {
  return (extent - 1) / tile + 1;
}

static int open_all(struct work *work, struct aml_dma *dma) {
  const struct multiply_task *const task = work->task;
  const struct plan *const plan = task->plan;
  const size_t a_tile[2] = {plan->tile_m, plan->tile_k};
  const size_t b_tile[2] = {plan->tile_k, plan->tile_n};
  const size_t c_tile[2] = {plan->tile_m, plan->tile_n};
  work->grid_m = count_tiles(task->a->header.rows, plan->tile_m);
  work->grid_n = count_tiles(task->b->header.columns, plan->tile_n);
  work->grid_k = count_tiles(task->a->header.columns, plan->tile_k);
  int err = open_operand(task->a, a_tile, plan->a_slots, dma, task->fast, &work->a);
  if (!err)
    err = open_operand(task->b, b_tile, plan->b_slots, dma, task->fast, &work->b);
  if (!err)
    err = open_operand(task->c, c_tile, 1, dma, task->fast, &work->c);
  return err;
}

static int pull(const struct operand *operand, size_t row, size_t column, unsigned flags,
                size_t *id, const struct aml_tile **tile) {
  const size_t coords[2] = {row, column};
  const int err = aml_tiling_id(operand->tiling, coords, id);
  return err ? err : aml_scratchpad_pull(operand->scratchpad, *id, flags, tile);
}

/** Adds the product of one tile of A and one of B to a tile of C, or makes it that product. */
static int add_product(struct work *work, const struct aml_tile *c, size_t i, size_t j, size_t k,
                       bool accumulate) {
  const struct aml_tile *a;
  const struct aml_tile *b;
  size_t a_id = 0;
  size_t b_id = 0;
  int err = pull(&work->a, i, k, 0, &a_id, &a);
  if (err)
    return err;
  err = pull(&work->b, k, j, 0, &b_id, &b);
  if (!err) {
    const double start = now();
    kernel_multiply(work->task->kernel, c, a, b, accumulate);
    work->kernel_seconds += now() - start;
    err = aml_scratchpad_release(work->b.scratchpad, b_id, false);
  }
  const int released = aml_scratchpad_release(work->a.scratchpad, a_id, false);
  return err ? err : released;
}

/** Makes one tile of C. Every other one runs through k downwards, as plan.h says. */
static int make_tile(struct work *work, size_t i, size_t j, bool downwards) {
  const struct multiply_task *const task = work->task;
  const uint64_t total = (uint64_t)work->grid_m * work->grid_n * work->grid_k;
  const struct aml_tile *c;
  size_t id = 0;
  int err = pull(&work->c, i, j, AML_SCRATCHPAD_OVERWRITE, &id, &c);
  if (err)
    return err;
  for (size_t step = 0; !err && step < work->grid_k; ++step) {
    const size_t k = downwards ? work->grid_k - 1 - step : step;
    err = add_product(work, c, i, j, k, step > 0);
    ++work->done;
    if (!err && task->progress != NULL)
      task->progress(task->progress_argument, work->done, total);
  }
  const int released = aml_scratchpad_release(work->c.scratchpad, id, err == 0);
  return err ? err : released;
}

/** Makes all tiles of C, and writes back the last one. */
static int make_all(struct work *work) {
  const bool columns_first = work->task->plan->columns_first;
  const size_t outer_count = columns_first ? work->grid_n : work->grid_m;
  const size_t inner_count = columns_first ? work->grid_m : work->grid_n;
  bool downwards = false;
  for (size_t outer = 0; outer < outer_count; ++outer)
    for (size_t step = 0; step < inner_count; ++step) {
      const size_t inner = outer % 2 == 0 ? step : inner_count - 1 - step;
      const int err = columns_first ? make_tile(work, inner, outer, downwards)
                                    : make_tile(work, outer, inner, downwards);
      if (err)
        return err;
      downwards = !downwards;
    }
  return aml_scratchpad_flush(work->c.scratchpad);
}

static int tell(const struct work *work, const struct file_dma *dma, struct multiply_stats *stats) {
  stats->read_size = dma->read_size;
  stats->written_size = dma->written_size;
  stats->calls = dma->calls;
  stats->kernel_seconds = work->kernel_seconds;
  int err = aml_scratchpad_get_stats(work->a.scratchpad, &stats->a);
  if (!err)
    err = aml_scratchpad_get_stats(work->b.scratchpad, &stats->b);
  if (!err)
    err = aml_scratchpad_get_stats(work->c.scratchpad, &stats->c);
  return err;
}

int multiply(const struct multiply_task *task, struct multiply_stats *stats) {
  FILE_DMA_DECL(dma);
  struct work work = {.task = task};
  int err = file_dma_init(dma);
  if (!err)
    err = open_all(&work, dma);
  if (!err)
    err = make_all(&work);
  if (!err)
    err = tell(&work, &dma_storage, stats);
  close_operand(&work.a);
  close_operand(&work.b);
  close_operand(&work.c);
  aml_dma_fini(dma);
  return err;
}
