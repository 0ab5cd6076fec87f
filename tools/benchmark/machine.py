# SPDX-License-Identifier: BSD-3-Clause
"""What figures were measured on, from /proc, /sys and the context that google-benchmark writes."""

import pathlib
import re
import struct


def _read(path):
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


def _size(size):
    """12345678 as 11.8 MiB."""
    value, unit = float(size), "B"
    for unit in ("B", "KiB", "MiB", "GiB", "TiB"):
        if value < 1024 or unit == "TiB":
            break
        value /= 1024
    return ("%.1f" % value).removesuffix(".0") + " " + unit


def _chosen(text):
    """The word in brackets: `always [madvise] never`."""
    found = re.search(r"\[(\S+)\]", text)
    return found.group(1) if found else "unknown"


def _cpu(root):
    text = _read(root / "proc/cpuinfo")
    blocks = [
        dict(re.findall(r"^(\S[^\t:]*)\s*: *(.*)$", block, re.M)) for block in text.split("\n\n")
    ]
    blocks = [block for block in blocks if "processor" in block]
    first = blocks[0] if blocks else {}
    model = first.get("model name") or "CPU %s, part %s" % (
        first.get("CPU implementer", "unknown"),
        first.get("CPU part", "unknown"),
    )
    # A virtual machine's model may be no more than a brand.
    if "cpu family" in first:
        model += ", family %s, model %s" % (first["cpu family"], first.get("model", "unknown"))
    sockets = {block.get("physical id", "0") for block in blocks}
    cores = {(b.get("physical id", "0"), b.get("core id", b["processor"])) for b in blocks}
    counts = "sockets: %d, cores: %d, threads: %d" % (len(sockets), len(cores), len(blocks))
    is_virtual = "hypervisor" in first.get("flags", "").split()
    return model, counts + (", in a virtual machine" if is_virtual else "")


def _caches(context):
    caches = []
    for cache in context.get("caches", []):
        kind = {"Data": "d", "Instruction": "i"}.get(cache["type"], "")
        shared = cache.get("num_sharing", 1)
        of = " for %d threads" % shared if shared > 1 else ""
        caches.append("L%d%s %s%s" % (cache["level"], kind, _size(cache["size"]), of))
    return ", ".join(caches)


def _nodes(root):
    nodes = []
    folders = (root / "sys/devices/system/node").glob("node[0-9]*")
    for node in sorted(folders, key=lambda path: int(path.name[4:])):
        total = re.search(r"MemTotal: *(\d+) kB", _read(node / "meminfo"))
        cpus = _read(node / "cpulist")
        size = _size(int(total.group(1)) * 1024) if total else "unknown"
        nodes.append("%s: %s, %s" % (node.name[4:], size, "CPUs " + cpus if cpus else "no CPUs"))
    return "; ".join(nodes)


def describe(context, root="/"):
    """Returns pairs of what is described and how, without what cannot be found out."""
    root = pathlib.Path(root)
    model, counts = _cpu(root)
    pages = root / "sys/kernel/mm/transparent_hugepage"
    total = re.search(r"^MemTotal: *(\d+) kB", _read(root / "proc/meminfo"), re.M)
    load = context.get("load_avg", [])
    enabled, defrag = _read(pages / "enabled"), _read(pages / "defrag")
    rows = [
        ("CPU", model),
        ("CPUs", counts),
        ("caches", _caches(context)),
        ("governor", _read(root / "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")),
        ("memory", _size(int(total.group(1)) * 1024) if total else ""),
        ("NUMA nodes", _nodes(root)),
        (
            "transparent huge pages",
            "%s, defragmentation %s" % (_chosen(enabled), _chosen(defrag)) if enabled else "",
        ),
        ("kernel", _read(root / "proc/sys/kernel/osrelease")),
        ("load before", ", ".join("%.2f" % one for one in load)),
    ]
    return [(name, text) for name, text in rows if text]


def compiler_of(program):
    """What compiled a program, as its section .comment says; empty where there is none."""
    try:
        image = pathlib.Path(program).read_bytes()
        if image[:6] != b"\x7fELF\x02\x01":
            return ""
        table, entry, count, names = struct.unpack_from("<Q10xHHH", image, 0x28)
        sections = [struct.unpack_from("<IIQQQQ", image, table + i * entry) for i in range(count)]
        start = sections[names][4]
        for section in sections:
            if image.startswith(b".comment\0", start + section[0]):
                said = image[section[4] : section[4] + section[5]].split(b"\0")
                return ", ".join(sorted({s.decode("utf-8", "replace") for s in said if s}))
    except (OSError, struct.error, IndexError):
        pass
    return ""
