#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Runs programs that know nothing of AML on libaml_malloc.so: each must do what it does without.

Each test names the program that it lacks, and is skipped only then.
"""

import hashlib
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import unittest

LIBRARY = os.path.abspath("tools/malloc/libaml_malloc.so")
SOURCES = os.path.abspath("tools/malloc")

PYTHON = r"""
import hashlib, json, os, random, subprocess, threading
random.seed(7)
table = {str(random.random()): [random.randrange(1000) for _ in range(20)] for _ in range(5000)}
text = json.dumps(table, sort_keys=True)
assert json.loads(text) == table
def life(seed):
    r = random.Random(seed)
    blobs = [b""] * 200
    for i in range(6000):
        blobs[r.randrange(200)] = bytes(r.randrange(3000))
threads = [threading.Thread(target=life, args=(i,)) for i in range(4)]
[t.start() for t in threads]
child = os.fork()
if child == 0:
    life(9)
    os._exit(3)
[t.join() for t in threads]
print(os.waitpid(child, 0)[1] >> 8)
print(subprocess.run(["sh", "-c", "echo from a child"], capture_output=True).stdout)
print(hashlib.sha256(text.encode()).hexdigest())
"""

SQL = """
create table t (id integer primary key, k text, v real);
with recursive n(i) as (select 1 union all select i + 1 from n where i < 25000)
insert into t select i, hex(i * 2654435761 % 4294967296), i * 1.5 from n;
create index by_k on t (k);
select count(*), sum(v), min(k), max(k) from t;
select substr(k, 1, 1) as head, count(*), round(avg(v)) from t group by head order by head;
delete from t where id % 3 = 0;
vacuum;
pragma integrity_check;
select group_concat(id) from (select id from t order by k limit 20);
"""


# A library that is initialised before the heap is made, with handlers of forks that allocate.
HANDLERS = r"""
#include <pthread.h>
#include <stdlib.h>
void *volatile block;
static void work(void) {
  free(block);
  block = malloc(5 << 20);
}
__attribute__((constructor)) static void begin(void) { pthread_atfork(work, work, work); }
"""
FORKS = r"""
#include <sys/wait.h>
#include <unistd.h>
int main(void) {
  int status = 1;
  alarm(60); /* a lock that is held would be waited for without end */
  const pid_t child = fork();
  if (child == 0)
    _exit(0);
  return child < 0 || wait(&status) != child || status != 0;
}
"""


def needs(*programs):
    """A test that needs programs; skipped with the names of those that are not there."""
    lacking = [program for program in programs if shutil.which(program) is None]
    return unittest.skipIf(lacking, "not installed: " + ", ".join(lacking))


def environment(area):
    """The environment of a process on the library, or with None on what the system has."""
    kept = {key: value for key, value in os.environ.items() if key not in ("LD_PRELOAD", "AML_MALLOC")}
    if area is not None:
        kept.update(LD_PRELOAD=LIBRARY, AML_MALLOC=area + (",report" if ":" in area else ":report"))
    return dict(kept, LC_ALL="C", GIT_CONFIG_NOSYSTEM="1")


class ProgramsTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def run_on(self, area, command, text=None, folder=None):
        """Runs a command; returns its output once it has ended well, and seen to be on the library."""
        done = subprocess.run(
            command,
            env=environment(area),
            cwd=folder or self.folder,
            input=text,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            timeout=250,
        )
        self.assertEqual(0, done.returncode, (area, command, done.stderr))
        if area is not None:
            held = re.findall(rb"ends with (\d+) KiB held from area:(\w+)", done.stderr)
            self.assertTrue(held, (command, done.stderr))
            self.assertEqual({area.partition(":")[0].encode()}, {name for _, name in held})
        return done.stdout

    def expect_same(self, areas, command, text=None):
        expected = self.run_on(None, command, text)
        for area in areas:
            self.assertEqual(expected, self.run_on(area, command, text), area)
        return expected

    @needs("/usr/bin/python3")
    def test_python(self):
        output = self.expect_same(
            ["linux", "linux:nodes=0,policy=interleave"], ["/usr/bin/python3", "-c", PYTHON]
        )
        self.assertTrue(output.startswith(b"3\n"), output)

    @needs("sqlite3")
    def test_sqlite(self):
        output = self.expect_same(
            ["linux:nodes=0", "file:path=" + self.folder], ["sqlite3", ":memory:"], SQL.encode()
        )
        self.assertIn(b"\nok\n", output)

    @needs("/usr/bin/git")
    def test_git(self):
        heads = []
        for number, area in enumerate([None, "linux"]):
            folder = os.path.join(self.folder, str(number))
            os.mkdir(folder)
            for file in range(40):
                with open(os.path.join(folder, f"file{file}"), "w", encoding="ascii") as stream:
                    stream.writelines(f"line {file} {line}\n" for line in range(300))
            git = [
                "/usr/bin/git",
                "-c",
                "user.name=A",
                "-c",
                "user.email=a@example.org",
                "-c",
                "pack.threads=2",
            ]
            os.environ.update(GIT_AUTHOR_DATE="@1 +0000", GIT_COMMITTER_DATE="@1 +0000")
            for arguments in [["init", "-q"], ["add", "."], ["commit", "-q", "-m", "all"]]:
                self.run_on(area, git + arguments, folder=folder)
            self.run_on(area, git + ["repack", "-q", "-a", "-d"], folder=folder)
            self.run_on(area, git + ["fsck", "--strict"], folder=folder)
            heads.append(self.run_on(area, git + ["log", "--format=%H", "--stat"], folder=folder))
        self.assertEqual(heads[0], heads[1])

    @needs("gcc")
    def test_gcc(self):
        os.makedirs(os.path.join(self.folder, "aml", "tools"))
        os.symlink(SOURCES, os.path.join(self.folder, "aml", "tools", "malloc"))
        objects = []
        for area in [None, "linux:huge=none"]:
            # gcc runs its compiler and assembler as children; they have the environment.
            source = os.path.join("aml", "tools", "malloc", "bootstrap.c")
            options = ["-std=c17", "-D_GNU_SOURCE", "-O2", "-I."]
            self.run_on(area, ["gcc"] + options + ["-c", source, "-o", "out.o"])
            with open(os.path.join(self.folder, "out.o"), "rb") as stream:
                objects.append(stream.read())
        self.assertEqual(objects[0], objects[1])

    @needs("gcc")
    def test_fork_handlers_that_allocate(self):
        link = ["-Wl,--no-as-needed", "-L.", "-Wl,-rpath," + self.folder]
        texts = {"handlers": HANDLERS, "middle": "int middle;", "forks": FORKS}
        for name, text in texts.items():
            with open(os.path.join(self.folder, name + ".c"), "w", encoding="ascii") as stream:
                stream.write(text)
        # What is needed by what is needed is initialised before what the library needs.
        shared = ["gcc", "-shared", "-fPIC"]
        self.run_on(None, shared + ["handlers.c", "-o", "libhandlers.so", "-lpthread"])
        self.run_on(None, shared + ["middle.c", "-o", "libmiddle.so"] + link + ["-lhandlers"])
        self.run_on(None, ["gcc", "forks.c", "-o", "forks"] + link + ["-lmiddle", "-lpthread"])
        self.run_on("linux", ["./forks"])

    @needs("/usr/bin/python3")
    def test_a_program_that_closes_standard_error(self):
        script = "import os\nos.close(2)\nprint('done')"
        self.assertEqual(b"done\n", self.run_on("linux", ["/usr/bin/python3", "-c", script]))

    @needs("/usr/bin/python3")
    def test_a_report_is_not_written_to_other_files(self):
        script = "import os\nos.closerange(0, 2000)\nfor i in range(1100): os.open('f', os.O_CREAT | os.O_RDWR)"
        subprocess.run(["/bin/sh", "-c", 'ulimit -n 4096; exec /usr/bin/python3 -c "$0"', script],
                       env=environment("linux"), cwd=self.folder, check=True)
        self.assertEqual(0, os.path.getsize(os.path.join(self.folder, "f")))

    @needs("zstd")
    def test_zstd(self):
        data = b"".join(hashlib.sha256(bytes([i % 251, i % 7])).digest() * 3 for i in range(30000))
        packed = self.expect_same(["linux:limit=1G"], ["zstd", "-q", "-T2", "-6", "-c"], data)
        self.assertLess(len(packed), len(data))
        self.assertEqual(data, self.expect_same(["linux"], ["zstd", "-q", "-d", "-c"], packed))

    @needs("redis-server", "redis-benchmark", "redis-cli")
    def test_redis(self):
        area = "linux"
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = str(probe.getsockname()[1])
        server = subprocess.Popen(
            ["redis-server", "--bind", "127.0.0.1", "--port", port, "--dir", self.folder]
            + ["--save", "", "--enable-debug-command", "yes"],
            env=environment(area),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        try:
            ask = ["redis-cli", "-h", "127.0.0.1", "-p", port]
            self.wait_for(lambda: subprocess.run(ask + ["ping"], capture_output=True).stdout == b"PONG\n")
            benchmark = ["redis-benchmark", "-h", "127.0.0.1", "-p", port, "-q", "-c", "8"]
            benchmark += ["-n", "1500", "-d", "300", "-r", "2000", "-P", "8", "-t", "set,get,lpush,sadd"]
            self.run_on(area, benchmark)
            size = self.run_on(None, ask + ["dbsize"])
            self.assertLess(500, int(size))
            # A child of a fork writes all of it while the server goes on.
            self.run_on(None, ask + ["bgsave"])
            self.run_on(area, benchmark)
            self.wait_for(lambda: os.path.exists(os.path.join(self.folder, "dump.rdb")))
            # Saves all, frees all, and reads all again.
            self.assertEqual(b"OK\n", self.run_on(None, ask + ["debug", "reload"]))
            self.assertLessEqual(int(size), int(self.run_on(None, ask + ["dbsize"])))
        finally:
            server.send_signal(signal.SIGTERM)
            errors = server.communicate(timeout=60)[1]
        self.assertEqual(0, server.returncode, errors)
        self.assertIn(b"held from area:linux", errors)

    def wait_for(self, condition):
        deadline = time.monotonic() + 60
        while not condition():
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.05)


class MistakesTest(unittest.TestCase):
    """What cannot be had ends the process before it does anything, with a sentence."""

    def expect_refusal(self, area, sentence, command=("/bin/echo", "done")):
        done = subprocess.run(command, env=dict(environment(None), LD_PRELOAD=LIBRARY, AML_MALLOC=area),
                              capture_output=True)
        self.assertEqual(127, done.returncode, area)
        self.assertEqual(b"", done.stdout)
        self.assertRegex(done.stderr.decode(), r"^libaml_malloc: " + sentence + r"\n$")

    def test_a_text_that_is_not_understood(self):
        self.expect_refusal("linux:node=1", "AML_MALLOC: node=1 is no option of this area")
        self.expect_refusal("hbm", "AML_MALLOC: the area hbm is neither linux nor file")

    def test_memory_that_is_not_there(self):
        self.expect_refusal("linux:nodes=1000", "aml_area_linux_init: .*1000.*")
        self.expect_refusal("file:path=/nowhere/at/all", "aml_area_file_init: .*/nowhere/at/all.*")

    def test_a_fork_with_a_file_for_a_heap(self):
        with tempfile.TemporaryDirectory() as folder:
            script = "import os\nif os.fork() == 0: os._exit(0)\nos._exit(os.wait()[1] >> 8)"
            self.expect_refusal("file:path=" + folder, "a process whose heap is a file cannot fork; .*",
                                ["/usr/bin/python3", "-c", script])

    def test_a_limit_is_out_of_memory_and_no_more(self):
        script = "try:\n  x = bytearray(1 << 28)\nexcept MemoryError:\n  print('none left')"
        done = subprocess.run(["/usr/bin/python3", "-c", script], capture_output=True,
                              env=dict(environment(None), LD_PRELOAD=LIBRARY, AML_MALLOC="linux:limit=64M"))
        self.assertEqual((0, b"none left\n"), (done.returncode, done.stdout), done.stderr)


if __name__ == "__main__":
    unittest.main()
