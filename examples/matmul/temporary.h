// SPDX-License-Identifier: BSD-3-Clause
//
// Files and directories that must not outlive the program unless they are kept: they are removed
// when a signal ends it, too.
//
// Threads: thread-bound, to the one that called temporary_install().

#ifndef MATMUL_TEMPORARY_H
#define MATMUL_TEMPORARY_H

#ifdef __cplusplus
extern "C" {
#endif

/** Have SIGINT, SIGTERM and SIGHUP remove what is registered before they end the program. */
void temporary_install(void);

/**
 * Create and register an empty file.
 *
 * @param path  ends in XXXXXX, which is replaced; borrowed until the file is kept or removed.
 *
 * Returns: a descriptor to read and write it; or -1, and errno says why.
 */
int temporary_file(char *path);

/** Create and register a directory; as temporary_file(). Returns: 0; or -1, and errno says why. */
int temporary_directory(char *path);

/** Register a path that may come to exist; borrowed until it is removed. Returns: 0, or -1. */
int temporary_adopt(const char *path);

/** Give a registered file its final name, and forget it. Returns: 0; or -1, and errno says why. */
int temporary_keep(const char *path, const char *name);

/** Remove a registered file, and forget it. */
void temporary_remove(const char *path);

/** Remove what is registered, the last one first, and forget it. */
void temporary_remove_all(void);

#ifdef __cplusplus
}
#endif

#endif
