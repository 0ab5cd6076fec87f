// SPDX-License-Identifier: BSD-3-Clause
//
// Reads small files of sysfs, procfs and control groups, all of which end with a newline. A file
// that is missing, unreadable, not a file, empty, cut before its newline, binary or larger than
// 64 KiB has no text; what takes a text takes null for it, and answers AML_UNKNOWN or false.
//
// A lack of descriptors or memory would make every file look so. The first one is kept in `number`;
// from then on nothing is read, so that the caller can fail and name `path`.
//
// Threads: thread-compatible.

#ifndef AML_CORE_INTERNAL_TREE_H
#define AML_CORE_INTERNAL_TREE_H

#include <dirent.h>
#include <stdbool.h>
#include <stdint.h>

#include "aml/core/cpuset.h"
#include "aml/core/nodeset.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
  AML_INTERNAL_TREE_TEXT = 65536,
  AML_INTERNAL_TREE_PATH = 4096 /**< PATH_MAX, which plain C lacks */
};

struct aml_internal_tree {
  int number;                        /**< errno of the first lack, or 0 */
  char path[AML_INTERNAL_TREE_PATH]; /**< of the last file or folder */
  char text[AML_INTERNAL_TREE_TEXT];
};

/** The text of a file, in `tree`, so until the next call. */
char *aml_internal_tree_text(struct aml_internal_tree *tree, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/** Where a symbolic link leads, in `tree`, as it is written there. */
char *aml_internal_tree_link(struct aml_internal_tree *tree, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/** Opens a folder; null: it has no entries that can be told, and errno says why. */
DIR *aml_internal_tree_folder(struct aml_internal_tree *tree, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/**
 * The next entry's number, for names that are `prefix`, a number from 0 to `limit` - 1 without
 * leading zeros, and `suffix`; -1 at the end, which also closes the folder. Of null: -1.
 */
int64_t aml_internal_tree_next(DIR *folder, const char *prefix, const char *suffix, int64_t limit);

/** The number that is all of a text; base 16 with or without 0x. */
uint64_t aml_internal_tree_number(const char *text, int base);

/** As aml_internal_tree_number(), where 0 is no figure. */
uint64_t aml_internal_tree_figure(const char *text);

/** Sets that are all of a text. */
bool aml_internal_tree_nodes(const char *text, struct aml_nodeset *set);
bool aml_internal_tree_cpus(const char *text, struct aml_cpuset *set);

/** What stands behind "<name>" and blanks at the start of a line's word; null if nothing does. */
char *aml_internal_tree_find(char *text, const char *name);

/** The number there up to the end of the line, with "<unit>" behind it. */
uint64_t aml_internal_tree_find_number(char *text, const char *name, const char *unit);

/** Sets there, up to the end of the line. */
bool aml_internal_tree_find_nodes(char *text, const char *name, struct aml_nodeset *set);
bool aml_internal_tree_find_cpus(char *text, const char *name, struct aml_cpuset *set);

#ifdef __cplusplus
}
#endif

#endif
