// SPDX-License-Identifier: BSD-3-Clause
//
// All sensible extents are tried and what they would cost is computed, in bytes that are moved:
// through the files, in memory when a kernel packs tiles and passes over one of C for each product,
// and a price for each call of the system.

#include "aml/examples/matmul/plan.h"

enum {
  MIN_EXTENT = 16,     // Smaller tiles are mostly overhead.
  MAX_SLOTS = 1024,    // Keeps the scratchpads' bookkeeping far below a megabyte.
  SLOT_ALIGNMENT = 64, // What a scratchpad rounds a slot up to.
  CALL_PRICE = 8192,   // A call costs about as much as to copy so many bytes.
};

static const size_t MAX_EXTENT = (size_t)1 << 29;

static size_t divide_up(size_t a, size_t b) {
  return (a - 1) / b + 1;
}

static size_t round_up(size_t size, size_t unit) {
  return divide_up(size, unit) * unit;
}

static size_t smaller(size_t a, size_t b) {
  return a < b ? a : b;
}

/** The next larger extent to try: about a fifth more. */
static size_t next_extent(size_t tile, size_t extent) {
  const size_t last = smaller(extent, MAX_EXTENT);
  return tile >= last ? 0 : smaller(round_up(tile + tile / 5 + 1, MIN_EXTENT), last);
}

/** The smallest tiles that are no more in number: those at the edge are then hardly smaller. */
static size_t balance(size_t tile, size_t extent) {
  return smaller(round_up(divide_up(extent, divide_up(extent, tile)), MIN_EXTENT), tile);
}

/** Bytes that a scratchpad rounds one slot up to; saturates. */
static size_t slot_size(size_t rows, size_t columns, size_t element_size) {
  size_t size = 0;
  if (__builtin_mul_overflow(rows, columns, &size) ||
      __builtin_mul_overflow(size, element_size, &size) || size > SIZE_MAX / 4)
    return SIZE_MAX / 4;
  return round_up(size, SLOT_ALIGNMENT);
}

size_t plan_memory(const struct plan_problem *problem, const struct plan *plan) {
  const size_t a = slot_size(plan->tile_m, plan->tile_k, problem->element_size);
  const size_t b = slot_size(plan->tile_k, plan->tile_n, problem->element_size);
  const size_t c = slot_size(plan->tile_m, plan->tile_n, problem->element_size);
  size_t total = 0;
  const size_t sizes[3][2] = {{a, plan->a_slots}, {b, plan->b_slots}, {c, 1}};
  for (size_t i = 0; i < 3; ++i) {
    size_t size = 0;
    if (__builtin_mul_overflow(sizes[i][0], sizes[i][1], &size) || size > SIZE_MAX / 4)
      return SIZE_MAX;
    total += round_up(size, problem->granularity);
  }
  return total;
}

/** How many more slots of a size fit, of those that would be of use. */
static size_t extra_slots(size_t room, size_t size, size_t useful) {
  const size_t fit = room / size;
  const size_t wanted = smaller(useful, MAX_SLOTS) - 1;
  return smaller(fit, wanted);
}

/** How many tiles there are along each dimension, by the loop that runs through them. */
struct grid {
  size_t outer;
  size_t inner;
  size_t depth; // along k
};

static struct grid grid_of(const struct plan_problem *problem, const struct plan *plan) {
  const size_t m = divide_up(problem->m, plan->tile_m);
  const size_t n = divide_up(problem->n, plan->tile_n);
  const size_t k = divide_up(problem->k, plan->tile_k);
  return plan->columns_first ? (struct grid){n, m, k} : (struct grid){m, n, k};
}

static double positive(double value) {
  return value > 0 ? value : 0;
}

/** Tiles that are read of the matrix of which each turn of the inner loop needs the same panel. */
static double reads_of_panel(const struct grid *grid, size_t slots) {
  const double panel = (double)grid->depth;
  return (double)grid->outer *
         (panel + ((double)grid->inner - 1) * positive(panel - (double)slots));
}

/** Tiles that are read of the matrix of which each turn of the outer loop needs all. */
static double reads_of_all(const struct grid *grid, size_t slots) {
  const double all = (double)grid->depth * (double)grid->inner;
  return all + ((double)grid->outer - 1) * positive(all - (double)slots);
}

/** Gives the budget's rest to slots; false if not even one of each fits. */
static bool give_slots(const struct plan_problem *problem, size_t budget, struct plan *plan) {
  const struct grid grid = grid_of(problem, plan);
  const size_t a_size = slot_size(plan->tile_m, plan->tile_k, problem->element_size);
  const size_t b_size = slot_size(plan->tile_k, plan->tile_n, problem->element_size);
  plan->a_slots = plan->b_slots = 1;
  plan->memory = plan_memory(problem, plan);
  if (plan->memory > budget)
    return false;
  // Rounding up to the granularity may cost so much more once there are more slots.
  const size_t slack = 2 * problem->granularity;
  size_t room = budget - plan->memory > slack ? budget - plan->memory - slack : 0;
  // First for the panel that each turn of the inner loop reads again.
  size_t *const panel_slots = plan->columns_first ? &plan->b_slots : &plan->a_slots;
  size_t *const other_slots = plan->columns_first ? &plan->a_slots : &plan->b_slots;
  const size_t panel_size = plan->columns_first ? b_size : a_size;
  *panel_slots += extra_slots(room, panel_size, grid.depth);
  room -= (*panel_slots - 1) * panel_size;
  *other_slots += extra_slots(room, plan->columns_first ? a_size : b_size,
                              grid.depth * smaller(grid.inner, MAX_SLOTS));
  plan->memory = plan_memory(problem, plan);
  return true;
}

/** Calls of the system for one tile: one for each run that is contiguous in the file. */
static double calls(size_t runs, size_t run, size_t whole_run) {
  return run == whole_run ? 1 : (double)runs;
}

/** What a plan with tiles and slots costs, in bytes; counts what it reads. */
static double price(const struct plan_problem *problem, struct plan *plan) {
  const size_t m = plan->tile_m;
  const size_t n = plan->tile_n;
  const size_t k = plan->tile_k;
  const struct grid grid = grid_of(problem, plan);
  const bool swapped = plan->columns_first;
  const double a_reads =
      swapped ? reads_of_all(&grid, plan->a_slots) : reads_of_panel(&grid, plan->a_slots);
  const double b_reads =
      swapped ? reads_of_panel(&grid, plan->b_slots) : reads_of_all(&grid, plan->b_slots);
  const double a_tiles = (double)grid.depth * (double)(swapped ? grid.inner : grid.outer);
  const double b_tiles = (double)grid.depth * (double)(swapped ? grid.outer : grid.inner);
  const double c_tiles = (double)grid.outer * (double)grid.inner;
  const double size = (double)problem->element_size;
  const double mn_size = (double)problem->m * (double)problem->n * size;
  // A tile is on average as large as the matrix divided by their number.
  const double bytes =
      size * (double)problem->k *
      (a_reads / a_tiles * (double)problem->m + b_reads / b_tiles * (double)problem->n);
  const double all_calls =
      a_reads * (problem->a_fortran_order ? calls(k, m, problem->m) : calls(m, k, problem->k)) +
      b_reads * (problem->b_fortran_order ? calls(n, k, problem->k) : calls(k, n, problem->n)) +
      c_tiles * calls(m, n, problem->n);
  plan->read_size = (uint64_t)bytes;
  const double packed = mn_size * (double)problem->k * (1 / (double)m + 1 / (double)n);
  return bytes + all_calls * CALL_PRICE + packed + (double)grid.depth * mn_size;
}

/** Tries both loop orders for tiles of given extents. */
static void try_tiles(const struct plan_problem *problem, size_t budget, const size_t tile[3],
                      double *best_cost, struct plan *best) {
  for (int order = 0; order < 2; ++order) {
    struct plan plan = {.tile_m = balance(tile[0], problem->m),
                        .tile_n = balance(tile[1], problem->n),
                        .tile_k = balance(tile[2], problem->k),
                        .columns_first = order == 1};
    if (!give_slots(problem, budget, &plan))
      continue;
    const double cost = price(problem, &plan);
    if (*best_cost < 0 || cost < *best_cost) {
      *best_cost = cost;
      *best = plan;
    }
  }
}

bool plan_make(const struct plan_problem *problem, size_t budget, struct plan *plan) {
  double best_cost = -1;
  struct plan best = {0};
  const size_t size = problem->element_size;
  for (size_t m = smaller(MIN_EXTENT, problem->m); m != 0; m = next_extent(m, problem->m)) {
    if (slot_size(m, 1, size) > budget)
      break;
    for (size_t n = smaller(MIN_EXTENT, problem->n); n != 0; n = next_extent(n, problem->n)) {
      if (slot_size(m, n, size) > budget)
        break;
      for (size_t k = smaller(MIN_EXTENT, problem->k); k != 0; k = next_extent(k, problem->k)) {
        if (slot_size(m, k, size) > budget || slot_size(k, n, size) > budget)
          break;
        const size_t tile[3] = {m, n, k};
        try_tiles(problem, budget, tile, &best_cost, &best);
      }
    }
  }
  if (best_cost < 0)
    return false;
  *plan = best;
  return true;
}
