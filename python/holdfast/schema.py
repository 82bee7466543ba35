# SPDX-License-Identifier: Apache-2.0
"""What monitors say and hear, as types, and every command as a method.

Made from holdfast/control/schema/qmp.txt by the test qmp_test; do not edit.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NotRequired, TypedDict, cast

QMPCapability = Literal["oob"]
RunState = Literal["prelaunch", "running", "paused", "shutdown"]
ShutdownCause = Literal["guest-reset", "guest-shutdown", "host-qmp-system-reset", "host-qmp-quit", "host-signal", "host-ui"]
SysEmuTarget = Literal["arm", "riscv64", "none"]
RebootAction = Literal["reset", "shutdown"]
ShutdownAction = Literal["poweroff", "pause"]
PanicAction = Literal["pause", "shutdown", "exit-failure", "none"]
WatchdogAction = Literal["reset", "shutdown", "poweroff", "pause", "debug", "none", "inject-nmi"]
DataFormat = Literal["utf8", "base64"]
ChardevBackendKind = Literal["file", "serial", "tty", "pipe", "socket", "pty", "null", "stdio", "ringbuf", "memory"]
ReplayMode = Literal["none", "record", "play"]
NumaOptionsType = Literal["node", "dist", "cpu"]
DumpStatus = Literal["none", "active", "completed", "failed"]
DumpGuestMemoryFormat = Literal["elf"]
HostMemPolicy = Literal["default"]
MemoryDeviceInfoKind = Literal["dimm"]
TicketStage = Literal["requested", "severed", "drained", "reclaimed", "refused"]
NumaNodeOptions = TypedDict("NumaNodeOptions", {
    "nodeid": NotRequired["int"],
    "cpus": NotRequired["list[int]"],
    "mem": NotRequired["int"],
    "memdev": NotRequired["str"],
})
NumaDistOptions = TypedDict("NumaDistOptions", {
    "src": "int",
    "dst": "int",
    "val": "int",
})
NumaCpuOptions = TypedDict("NumaCpuOptions", {
    "node-id": NotRequired["int"],
    "core-id": NotRequired["int"],
})
VersionTriple = TypedDict("VersionTriple", {
    "major": "int",
    "minor": "int",
    "micro": "int",
})
VersionInfo = TypedDict("VersionInfo", {
    "qemu": "VersionTriple",
    "package": "str",
})
StatusInfo = TypedDict("StatusInfo", {
    "status": "RunState",
    "running": "bool",
})
NameInfo = TypedDict("NameInfo", {
    "name": NotRequired["str"],
})
UuidInfo = TypedDict("UuidInfo", {
    "UUID": "str",
})
KvmInfo = TypedDict("KvmInfo", {
    "enabled": "bool",
    "present": "bool",
})
TargetInfo = TypedDict("TargetInfo", {
    "arch": "SysEmuTarget",
})
CommandInfo = TypedDict("CommandInfo", {
    "name": "str",
})
MachineInfo = TypedDict("MachineInfo", {
    "name": "str",
    "alias": NotRequired["str"],
    "is-default": NotRequired["bool"],
    "cpu-max": "int",
    "hotpluggable-cpus": "bool",
    "numa-mem-supported": "bool",
    "deprecated": "bool",
    "default-cpu-type": NotRequired["str"],
    "default-ram-id": NotRequired["str"],
    "acpi": "bool",
})
CpuInstanceProperties = TypedDict("CpuInstanceProperties", {
    "core-id": NotRequired["int"],
    "node-id": NotRequired["int"],
})
CpuInfoFast = TypedDict("CpuInfoFast", {
    "cpu-index": "int",
    "qom-path": "str",
    "thread-id": "int",
    "props": NotRequired["CpuInstanceProperties"],
    "target": "SysEmuTarget",
})
HotpluggableCPU = TypedDict("HotpluggableCPU", {
    "type": "str",
    "vcpus-count": "int",
    "props": "CpuInstanceProperties",
    "qom-path": NotRequired["str"],
})
ObjectTypeInfo = TypedDict("ObjectTypeInfo", {
    "name": "str",
    "abstract": NotRequired["bool"],
    "parent": NotRequired["str"],
})
ObjectPropertyInfo = TypedDict("ObjectPropertyInfo", {
    "name": "str",
    "type": "str",
    "description": NotRequired["str"],
    "default-value": NotRequired["Any"],
})
ChardevInfo = TypedDict("ChardevInfo", {
    "label": "str",
    "filename": "str",
    "frontend-open": "bool",
})
ChardevBackendInfo = TypedDict("ChardevBackendInfo", {
    "name": "str",
})
ChardevBackend = TypedDict("ChardevBackend", {
    "type": "ChardevBackendKind",
    "data": "Any",
})
BlockdevCacheOptions = TypedDict("BlockdevCacheOptions", {
    "direct": NotRequired["bool"],
    "no-flush": NotRequired["bool"],
})
SocketAddress = TypedDict("SocketAddress", {
    "type": "str",
    "path": NotRequired["str"],
    "host": NotRequired["str"],
    "port": NotRequired["Any"],
})
ChardevReturn = TypedDict("ChardevReturn", {
    "pty": NotRequired["str"],
})
AddfdInfo = TypedDict("AddfdInfo", {
    "fdset-id": "int",
    "fd": "int",
})
FdsetFdInfo = TypedDict("FdsetFdInfo", {
    "fd": "int",
    "opaque": NotRequired["str"],
})
FdsetInfo = TypedDict("FdsetInfo", {
    "fdset-id": "int",
    "fds": "list[FdsetFdInfo]",
})
CpuDefinitionInfo = TypedDict("CpuDefinitionInfo", {
    "name": "str",
    "static": "bool",
    "typename": NotRequired["str"],
    "deprecated": "bool",
})
CommandLineParameterInfo = TypedDict("CommandLineParameterInfo", {
    "name": "str",
    "type": "str",
    "help": NotRequired["str"],
    "default": NotRequired["str"],
})
CommandLineOptionInfo = TypedDict("CommandLineOptionInfo", {
    "option": "str",
    "parameters": "list[CommandLineParameterInfo]",
})
EventInfo = TypedDict("EventInfo", {
    "name": "str",
})
CurrentMachineParams = TypedDict("CurrentMachineParams", {
    "wakeup-suspend-support": "bool",
})
ReplayInfo = TypedDict("ReplayInfo", {
    "mode": "ReplayMode",
    "filename": NotRequired["str"],
    "icount": "int",
})
MigrationInfo = TypedDict("MigrationInfo", {
    "status": NotRequired["str"],
})
RxFilterInfo = TypedDict("RxFilterInfo", {
    "name": "str",
})
BlockStats = TypedDict("BlockStats", {
    "device": NotRequired["str"],
})
BlockJobInfo = TypedDict("BlockJobInfo", {
    "device": "str",
})
JobInfo = TypedDict("JobInfo", {
    "id": "str",
})
MouseInfo = TypedDict("MouseInfo", {
    "name": "str",
})
TPMInfo = TypedDict("TPMInfo", {
    "id": "str",
})
YankInstance = TypedDict("YankInstance", {
    "type": "str",
})
PciMemoryRegion = TypedDict("PciMemoryRegion", {
    "bar": "int",
    "type": "str",
    "address": "int",
    "size": "int",
    "prefetch": NotRequired["bool"],
    "mem_type_64": NotRequired["bool"],
})
PciMemoryRange = TypedDict("PciMemoryRange", {
    "base": "int",
    "limit": "int",
})
PciBusInfo = TypedDict("PciBusInfo", {
    "number": "int",
    "secondary": "int",
    "subordinate": "int",
    "io_range": "PciMemoryRange",
    "memory_range": "PciMemoryRange",
    "prefetchable_range": "PciMemoryRange",
})
PciBridgeInfo = TypedDict("PciBridgeInfo", {
    "bus": "PciBusInfo",
    "devices": NotRequired["list[PciDeviceInfo]"],
})
PciDeviceClass = TypedDict("PciDeviceClass", {
    "desc": NotRequired["str"],
    "class": "int",
})
PciDeviceId = TypedDict("PciDeviceId", {
    "device": "int",
    "vendor": "int",
    "subsystem": NotRequired["int"],
    "subsystem-vendor": NotRequired["int"],
})
PciDeviceInfo = TypedDict("PciDeviceInfo", {
    "bus": "int",
    "slot": "int",
    "function": "int",
    "class_info": "PciDeviceClass",
    "id": "PciDeviceId",
    "irq": NotRequired["int"],
    "irq_pin": "int",
    "qdev_id": "str",
    "pci_bridge": NotRequired["PciBridgeInfo"],
    "regions": "list[PciMemoryRegion]",
})
PciInfo = TypedDict("PciInfo", {
    "bus": "int",
    "devices": "list[PciDeviceInfo]",
})
MemoryInfo = TypedDict("MemoryInfo", {
    "base-memory": "int",
    "plugged-memory": NotRequired["int"],
})
BlockImageInfo = TypedDict("BlockImageInfo", {
    "filename": "str",
    "format": "str",
    "virtual-size": "int",
})
BlockdevCacheInfo = TypedDict("BlockdevCacheInfo", {
    "writeback": "bool",
    "direct": "bool",
    "no-flush": "bool",
})
BlockDeviceInfo = TypedDict("BlockDeviceInfo", {
    "file": "str",
    "node-name": NotRequired["str"],
    "ro": "bool",
    "drv": "str",
    "backing_file_depth": "int",
    "encrypted": "bool",
    "detect_zeroes": "str",
    "bps": "int",
    "bps_rd": "int",
    "bps_wr": "int",
    "iops": "int",
    "iops_rd": "int",
    "iops_wr": "int",
    "image": "BlockImageInfo",
    "cache": "BlockdevCacheInfo",
    "write_threshold": "int",
})
BlockInfo = TypedDict("BlockInfo", {
    "device": "str",
    "qdev": NotRequired["str"],
    "type": "str",
    "removable": "bool",
    "locked": "bool",
    "inserted": NotRequired["BlockDeviceInfo"],
})
Memdev = TypedDict("Memdev", {
    "id": NotRequired["str"],
    "size": "int",
    "merge": "bool",
    "dump": "bool",
    "prealloc": "bool",
    "share": "bool",
    "reserve": NotRequired["bool"],
    "host-nodes": "list[int]",
    "policy": "HostMemPolicy",
})
PCDIMMDeviceInfo = TypedDict("PCDIMMDeviceInfo", {
    "id": NotRequired["str"],
    "addr": "int",
    "size": "int",
    "slot": "int",
    "node": "int",
    "memdev": "str",
    "hotplugged": "bool",
    "hotpluggable": "bool",
})
MemoryDeviceInfo = TypedDict("MemoryDeviceInfo", {
    "type": "MemoryDeviceInfoKind",
    "data": "PCDIMMDeviceInfo",
})
IOThreadInfo = TypedDict("IOThreadInfo", {
    "id": "str",
    "thread-id": "int",
    "poll-max-ns": "int",
    "poll-grow": "int",
    "poll-shrink": "int",
    "aio-max-batch": "int",
})
SchemaInfo = TypedDict("SchemaInfo", {
    "name": "str",
    "meta-type": "str",
    "json-type": NotRequired["str"],
    "element-type": NotRequired["str"],
    "values": NotRequired["list[str]"],
    "members": NotRequired["list[Any]"],
    "variants": NotRequired["list[Any]"],
    "tag": NotRequired["str"],
    "arg-type": NotRequired["str"],
    "ret-type": NotRequired["str"],
    "allow-oob": NotRequired["bool"],
    "features": NotRequired["list[str]"],
})
CensusInfo = TypedDict("CensusInfo", {
    "kind": "str",
    "count": "int",
})
InsiderInfo = TypedDict("InsiderInfo", {
    "device": "str",
    "doing": "str",
    "where": "str",
})
HeldInfo = TypedDict("HeldInfo", {
    "block": "str",
    "by": "str",
    "where": "str",
    "age-ms": "int",
})
ErrandInfo = TypedDict("ErrandInfo", {
    "what": "str",
    "where": "str",
    "age-ms": "int",
})
TicketInfo = TypedDict("TicketInfo", {
    "path": "str",
    "stage": "TicketStage",
    "age-ms": "int",
    "inside": "list[InsiderInfo]",
    "held": "list[HeldInfo]",
    "errands": "list[ErrandInfo]",
    "reason": NotRequired["str"],
})
DumpQueryResult = TypedDict("DumpQueryResult", {
    "status": "DumpStatus",
    "completed": "int",
    "total": "int",
})
DumpGuestMemoryCapability = TypedDict("DumpGuestMemoryCapability", {
    "formats": "list[DumpGuestMemoryFormat]",
})
MapRange = TypedDict("MapRange", {
    "first": "int",
    "last": "int",
    "region": "str",
    "kind": "str",
    "offset": "int",
    "owner": NotRequired["str"],
    "read-only": "bool",
})
MapRegion = TypedDict("MapRegion", {
    "name": "str",
    "kind": "str",
    "offset": "int",
    "last": "int",
    "priority": "int",
    "enabled": "bool",
    "children": "list[int]",
    "target": NotRequired["int"],
    "target-offset": NotRequired["int"],
    "owner": NotRequired["str"],
})
MapView = TypedDict("MapView", {
    "root": "int",
    "ranges": "list[MapRange]",
    "leaves": "int",
    "inners": "int",
    "bytes": "int",
})
MapSpace = TypedDict("MapSpace", {
    "name": "str",
    "root": NotRequired["int"],
    "view": NotRequired["int"],
})
MemoryMap = TypedDict("MemoryMap", {
    "spaces": "list[MapSpace]",
    "views": "list[MapView]",
    "regions": "list[MapRegion]",
})
ShadowedRegion = TypedDict("ShadowedRegion", {
    "region": "str",
    "kind": "str",
    "offset": "int",
    "owner": NotRequired["str"],
    "because": "str",
})
AddressExplanation = TypedDict("AddressExplanation", {
    "address": "int",
    "space": "str",
    "range": NotRequired["MapRange"],
    "because": "str",
    "shadows": "list[ShadowedRegion]",
})

# What comes with events.
DUMP_COMPLETED_data = TypedDict("DUMP_COMPLETED_data", {
    "result": "DumpQueryResult",
    "error": NotRequired["str"],
})
RESET_data = TypedDict("RESET_data", {
    "guest": "bool",
    "reason": "ShutdownCause",
})
SHUTDOWN_data = TypedDict("SHUTDOWN_data", {
    "guest": "bool",
    "reason": "ShutdownCause",
})
DEVICE_DELETED_data = TypedDict("DEVICE_DELETED_data", {
    "device": NotRequired["str"],
    "path": "str",
})
DEVICE_UNPLUG_GUEST_ERROR_data = TypedDict("DEVICE_UNPLUG_GUEST_ERROR_data", {
    "device": NotRequired["str"],
    "path": "str",
})


def _given(arguments: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in arguments.items() if value is not None}


class Commands:
    """Every command of the schema. Words of a name that a dash divides are divided by an underscore."""

    def execute(self, command: str, arguments: Mapping[str, Any] | None = None, **keywords: Any) -> Any:
        raise NotImplementedError

    def qmp_capabilities(
        self,
        *,
        enable: list[QMPCapability] | None = None,
    ) -> None:
        """Ends the negotiation, with which a conversation begins. Until then nothing else is known, from then on this is not."""
        self.execute("qmp_capabilities", _given({
            "enable": enable,
        }))

    def query_version(self) -> VersionInfo:
        """The version of the protocol, as that of the emulator that clients know it from, and in `package` our own."""
        return cast(VersionInfo, self.execute("query-version"))

    def query_commands(self) -> list[CommandInfo]:
        """The names of all commands."""
        return cast(list[CommandInfo], self.execute("query-commands"))

    def query_qmp_schema(self) -> list[SchemaInfo]:
        """All of this in a form for programs."""
        return cast(list[SchemaInfo], self.execute("query-qmp-schema"))

    def query_status(self) -> StatusInfo:
        """Whether the machine runs."""
        return cast(StatusInfo, self.execute("query-status"))

    def query_name(self) -> NameInfo:
        """The name the machine was given."""
        return cast(NameInfo, self.execute("query-name"))

    def query_uuid(self) -> UuidInfo:
        """The identifier the machine was given; zeroes if none was."""
        return cast(UuidInfo, self.execute("query-uuid"))

    def query_kvm(self) -> KvmInfo:
        """Whether the host's processor runs the guest: it does not."""
        return cast(KvmInfo, self.execute("query-kvm"))

    def query_target(self) -> TargetInfo:
        """The architecture of the CPUs; `none` on a machine without any."""
        return cast(TargetInfo, self.execute("query-target"))

    def query_machines(self) -> list[MachineInfo]:
        """The machines there are."""
        return cast(list[MachineInfo], self.execute("query-machines"))

    def query_cpus_fast(self) -> list[CpuInfoFast]:
        """The CPUs of this machine. A CPU that no thread runs has the number of the process as its thread."""
        return cast(list[CpuInfoFast], self.execute("query-cpus-fast"))

    def query_hotpluggable_cpus(self) -> list[HotpluggableCPU]:
        """Where CPUs can be, and are. Before the machine is made: where it will have them, and the nodes they were put into."""
        return cast(list[HotpluggableCPU], self.execute("query-hotpluggable-cpus"))

    def query_memory_size_summary(self) -> MemoryInfo:
        """How much RAM the machine has, in bytes."""
        return cast(MemoryInfo, self.execute("query-memory-size-summary"))

    def query_chardev(self) -> list[ChardevInfo]:
        """The character back-ends."""
        return cast(list[ChardevInfo], self.execute("query-chardev"))

    def query_chardev_backends(self) -> list[ChardevBackendInfo]:
        """The kinds of character back-end there are."""
        return cast(list[ChardevBackendInfo], self.execute("query-chardev-backends"))

    def query_block(self) -> list[BlockInfo]:
        """The drives that were made as such, and the nodes that a device has."""
        return cast(list[BlockInfo], self.execute("query-block"))

    def query_named_block_nodes(
        self,
        *,
        flat: bool | None = None,
    ) -> list[BlockDeviceInfo]:
        """All nodes of block back-ends that have a name, drives included."""
        return cast(list[BlockDeviceInfo], self.execute("query-named-block-nodes", _given({
            "flat": flat,
        })))

    def blockdev_add(
        self,
        *,
        driver: str,
        node_name: str | None = None,
        read_only: bool | None = None,
        auto_read_only: bool | None = None,
        force_share: bool | None = None,
        discard: str | None = None,
        detect_zeroes: str | None = None,
        cache: BlockdevCacheOptions | None = None,
        filename: str | None = None,
        aio: str | None = None,
        locking: str | None = None,
        size: int | None = None,
        offset: int | None = None,
        latency_ns: int | None = None,
        read_zeroes: bool | None = None,
        file: Any | None = None,
        image: Any | None = None,
        config: str | None = None,
        server: SocketAddress | None = None,
        export: str | None = None,
        reconnect_delay: int | None = None,
        open_timeout: int | None = None,
        **more: Any,
    ) -> None:
        """Makes a node of block back-ends: `file`, `null-co`, `null-aio`, or a layer over one, `raw` and `blkdebug`. A file is locked. `file` and `image` are the names of nodes, or what they are. Devices take it by their property `drive`. A configuration that comes by a FIFO is waited for; other commands wait behind this, but for those out of band."""
        self.execute("blockdev-add", _given({
            "driver": driver,
            "node-name": node_name,
            "read-only": read_only,
            "auto-read-only": auto_read_only,
            "force-share": force_share,
            "discard": discard,
            "detect-zeroes": detect_zeroes,
            "cache": cache,
            "filename": filename,
            "aio": aio,
            "locking": locking,
            "size": size,
            "offset": offset,
            "latency-ns": latency_ns,
            "read-zeroes": read_zeroes,
            "file": file,
            "image": image,
            "config": config,
            "server": server,
            "export": export,
            "reconnect-delay": reconnect_delay,
            "open-timeout": open_timeout,
            **more,
        }))

    def blockdev_del(
        self,
        *,
        node_name: str,
    ) -> None:
        """Takes such a node away, unless a device has it or another node is above it."""
        self.execute("blockdev-del", _given({
            "node-name": node_name,
        }))

    def block_resize(
        self,
        *,
        size: int,
        device: str | None = None,
        node_name: str | None = None,
    ) -> None:
        """Makes a drive or a node larger or smaller, while nobody uses it."""
        self.execute("block_resize", _given({
            "size": size,
            "device": device,
            "node-name": node_name,
        }))

    def query_memdev(self) -> list[Memdev]:
        """Memory objects that users made. Pages are neither merged nor left out of dumps of the host's."""
        return cast(list[Memdev], self.execute("query-memdev"))

    def query_memory_devices(self) -> list[MemoryDeviceInfo]:
        """The modules of RAM that are plugged."""
        return cast(list[MemoryDeviceInfo], self.execute("query-memory-devices"))

    def object_add(
        self,
        *,
        qom_type: str,
        id: str,
        size: int | None = None,
        share: bool | None = None,
        prealloc: bool | None = None,
        prealloc_threads: int | None = None,
        merge: bool | None = None,
        dump: bool | None = None,
        reserve: bool | None = None,
        policy: HostMemPolicy | None = None,
        mem_path: str | None = None,
        readonly: bool | None = None,
        offset: int | None = None,
        hugetlb: bool | None = None,
        hugetlbsize: int | None = None,
        seal: bool | None = None,
        poll_max_ns: int | None = None,
        poll_grow: int | None = None,
        poll_shrink: int | None = None,
        aio_max_batch: int | None = None,
        thread_pool_min: int | None = None,
        thread_pool_max: int | None = None,
        **more: Any,
    ) -> None:
        """Makes an object: memory for a module of RAM, or a thread for input and output. What a type takes, `-object TYPE,help` says."""
        self.execute("object-add", _given({
            "qom-type": qom_type,
            "id": id,
            "size": size,
            "share": share,
            "prealloc": prealloc,
            "prealloc-threads": prealloc_threads,
            "merge": merge,
            "dump": dump,
            "reserve": reserve,
            "policy": policy,
            "mem-path": mem_path,
            "readonly": readonly,
            "offset": offset,
            "hugetlb": hugetlb,
            "hugetlbsize": hugetlbsize,
            "seal": seal,
            "poll-max-ns": poll_max_ns,
            "poll-grow": poll_grow,
            "poll-shrink": poll_shrink,
            "aio-max-batch": aio_max_batch,
            "thread-pool-min": thread_pool_min,
            "thread-pool-max": thread_pool_max,
            **more,
        }))

    def object_del(
        self,
        *,
        id: str,
    ) -> None:
        """Deletes an object, if nothing uses it."""
        self.execute("object-del", _given({
            "id": id,
        }))

    def query_iothreads(self) -> list[IOThreadInfo]:
        """Threads that users made for input and output, with their numbers on the host."""
        return cast(list[IOThreadInfo], self.execute("query-iothreads"))

    def query_cpu_definitions(self) -> list[CpuDefinitionInfo]:
        """The models of CPU there are."""
        return cast(list[CpuDefinitionInfo], self.execute("query-cpu-definitions"))

    def query_command_line_options(
        self,
        *,
        option: str | None = None,
    ) -> list[CommandLineOptionInfo]:
        """The options of the command line that take keys and values, and their keys."""
        return cast(list[CommandLineOptionInfo], self.execute("query-command-line-options", _given({
            "option": option,
        })))

    def query_events(self) -> list[EventInfo]:
        """The names of all events."""
        return cast(list[EventInfo], self.execute("query-events"))

    def query_current_machine(self) -> CurrentMachineParams:
        """What this machine can: it cannot be woken up, for it does not sleep."""
        return cast(CurrentMachineParams, self.execute("query-current-machine"))

    def query_replay(self) -> ReplayInfo:
        """Whether a run is recorded or played: it never is."""
        return cast(ReplayInfo, self.execute("query-replay"))

    def query_migrate(self) -> MigrationInfo:
        """How a migration goes on; there is never one."""
        return cast(MigrationInfo, self.execute("query-migrate"))

    def query_rx_filter(
        self,
        *,
        name: str | None = None,
    ) -> list[RxFilterInfo]:
        """What network cards receive; there are none."""
        return cast(list[RxFilterInfo], self.execute("query-rx-filter", _given({
            "name": name,
        })))

    def query_blockstats(
        self,
        *,
        query_nodes: bool | None = None,
    ) -> list[BlockStats]:
        """What drives have done; it is not counted."""
        return cast(list[BlockStats], self.execute("query-blockstats", _given({
            "query-nodes": query_nodes,
        })))

    def query_block_jobs(self) -> list[BlockJobInfo]:
        """What is being done with drives; nothing."""
        return cast(list[BlockJobInfo], self.execute("query-block-jobs"))

    def query_jobs(self) -> list[JobInfo]:
        """What is being done in the background; nothing."""
        return cast(list[JobInfo], self.execute("query-jobs"))

    def query_pci(self) -> list[PciInfo]:
        """What sits on PCI buses, behind bridges too. An address of -1: the guest shows it nowhere."""
        return cast(list[PciInfo], self.execute("query-pci"))

    def query_mice(self) -> list[MouseInfo]:
        """Pointing devices; there are none."""
        return cast(list[MouseInfo], self.execute("query-mice"))

    def query_tpm(self) -> list[TPMInfo]:
        """Trusted platform modules; there are none."""
        return cast(list[TPMInfo], self.execute("query-tpm"))

    def query_tpm_models(self) -> list[str]:
        """The models of those; there are none."""
        return cast(list[str], self.execute("query-tpm-models"))

    def query_tpm_types(self) -> list[str]:
        """Their back-ends; there are none."""
        return cast(list[str], self.execute("query-tpm-types"))

    def query_yank(self) -> list[YankInstance]:
        """What could be cut off from its other end; nothing."""
        return cast(list[YankInstance], self.execute("query-yank"))

    def chardev_add(
        self,
        *,
        id: str,
        backend: ChardevBackend,
    ) -> ChardevReturn:
        """Makes a character back-end: there, in full, when this returns. A pseudo-terminal's path is returned. `data` has what -chardev takes, by the names of the wire; sockets listen unless `server` is false, and never wait."""
        return cast(ChardevReturn, self.execute("chardev-add", _given({
            "id": id,
            "backend": backend,
        })))

    def chardev_change(
        self,
        *,
        id: str,
        backend: ChardevBackend,
    ) -> ChardevReturn:
        """Puts another in the place of a character back-end that nobody uses."""
        return cast(ChardevReturn, self.execute("chardev-change", _given({
            "id": id,
            "backend": backend,
        })))

    def chardev_remove(
        self,
        *,
        id: str,
    ) -> None:
        """Takes away a character back-end that nobody uses."""
        self.execute("chardev-remove", _given({
            "id": id,
        }))

    def chardev_send_break(
        self,
        *,
        id: str,
    ) -> None:
        """Has the user of a back-end see a break, as if the other end had sent it."""
        self.execute("chardev-send-break", _given({
            "id": id,
        }))

    def ringbuf_read(
        self,
        *,
        device: str,
        size: int,
        format: DataFormat | None = None,
    ) -> str:
        """Takes the oldest output from a back-end that keeps it in memory."""
        return cast(str, self.execute("ringbuf-read", _given({
            "device": device,
            "size": size,
            "format": format,
        })))

    def ringbuf_write(
        self,
        *,
        device: str,
        data: str,
        format: DataFormat | None = None,
    ) -> None:
        """Adds to what such a back-end keeps, as output does."""
        self.execute("ringbuf-write", _given({
            "device": device,
            "data": data,
            "format": format,
        }))

    def getfd(
        self,
        *,
        fdname: str,
    ) -> None:
        """Gives a name to the descriptor that came with this. One that has the name already is closed."""
        self.execute("getfd", _given({
            "fdname": fdname,
        }))

    def closefd(
        self,
        *,
        fdname: str,
    ) -> None:
        """Closes the descriptor of that name."""
        self.execute("closefd", _given({
            "fdname": fdname,
        }))

    def add_fd(
        self,
        *,
        fdset_id: int | None = None,
        opaque: str | None = None,
    ) -> AddfdInfo:
        """Puts the descriptor that came with this into a set. "/dev/fdset/N" is the name of a file that stands for the set's member opened for the same; sets are closed when no monitor has a client any more."""
        return cast(AddfdInfo, self.execute("add-fd", _given({
            "fdset-id": fdset_id,
            "opaque": opaque,
        })))

    def remove_fd(
        self,
        *,
        fdset_id: int,
        fd: int | None = None,
    ) -> None:
        """Takes one descriptor out of a set, or closes all of the set."""
        self.execute("remove-fd", _given({
            "fdset-id": fdset_id,
            "fd": fd,
        }))

    def query_fdsets(self) -> list[FdsetInfo]:
        """The sets of descriptors."""
        return cast(list[FdsetInfo], self.execute("query-fdsets"))

    def memsave(
        self,
        *,
        val: int,
        size: int,
        filename: str,
        cpu_index: int | None = None,
    ) -> None:
        """Writes memory, as a CPU addresses it through its translation, into a file; the first CPU if none is named."""
        self.execute("memsave", _given({
            "val": val,
            "size": size,
            "filename": filename,
            "cpu-index": cpu_index,
        }))

    def pmemsave(
        self,
        *,
        val: int,
        size: int,
        filename: str,
    ) -> None:
        """Writes memory, as the first CPU addresses it without translation, into a file. Where nothing is, zeroes."""
        self.execute("pmemsave", _given({
            "val": val,
            "size": size,
            "filename": filename,
        }))

    def dump_guest_memory(
        self,
        *,
        paging: bool,
        protocol: str,
        detach: bool | None = None,
        begin: int | None = None,
        length: int | None = None,
        format: DumpGuestMemoryFormat | None = None,
    ) -> None:
        """Writes RAM and the registers of all CPUs as an ELF core file, to file:PATH or fd:NAME; all RAM, or that from `begin` on. Addresses are those of the bus, so `paging` is false. It is done when this answers, with `detach`, too."""
        self.execute("dump-guest-memory", _given({
            "paging": paging,
            "protocol": protocol,
            "detach": detach,
            "begin": begin,
            "length": length,
            "format": format,
        }))

    def query_dump(self) -> DumpQueryResult:
        """How writing the last core file ended."""
        return cast(DumpQueryResult, self.execute("query-dump"))

    def query_dump_guest_memory_capability(self) -> DumpGuestMemoryCapability:
        """The formats that core files can have."""
        return cast(DumpGuestMemoryCapability, self.execute("query-dump-guest-memory-capability"))

    def inject_nmi(self) -> None:
        """Raises the interrupt that cannot be masked; no machine here has one, so it fails."""
        self.execute("inject-nmi")

    def set_action(
        self,
        *,
        reboot: RebootAction | None = None,
        shutdown: ShutdownAction | None = None,
        panic: PanicAction | None = None,
        watchdog: WatchdogAction | None = None,
    ) -> None:
        """What to do from now on when the guest resets, switches off, gives up or does not answer its watchdog."""
        self.execute("set-action", _given({
            "reboot": reboot,
            "shutdown": shutdown,
            "panic": panic,
            "watchdog": watchdog,
        }))

    def watchdog_set_action(
        self,
        *,
        action: WatchdogAction,
    ) -> None:
        """What to do from now on when the guest does not answer its watchdog."""
        self.execute("watchdog-set-action", _given({
            "action": action,
        }))

    def set_numa_node(
        self,
        *,
        type: NumaOptionsType,
        nodeid: int | None = None,
        cpus: list[int] | None = None,
        mem: int | None = None,
        memdev: str | None = None,
        src: int | None = None,
        dst: int | None = None,
        val: int | None = None,
        node_id: int | None = None,
        core_id: int | None = None,
    ) -> None:
        """After -preconfig: a node, a distance of two, or a CPU in one, as -numa has them."""
        self.execute("set-numa-node", _given({
            "type": type,
            "nodeid": nodeid,
            "cpus": cpus,
            "mem": mem,
            "memdev": memdev,
            "src": src,
            "dst": dst,
            "val": val,
            "node-id": node_id,
            "core-id": core_id,
        }))

    def x_exit_preconfig(self) -> None:
        """Has the machine made, after -preconfig, and goes on as the command line says."""
        self.execute("x-exit-preconfig")

    def qom_list_types(
        self,
        *,
        implements: str | None = None,
        abstract: bool | None = None,
    ) -> list[ObjectTypeInfo]:
        """The types there are; concrete ones, if `abstract` does not ask for others."""
        return cast(list[ObjectTypeInfo], self.execute("qom-list-types", _given({
            "implements": implements,
            "abstract": abstract,
        })))

    def qom_list(
        self,
        *,
        path: str,
    ) -> list[ObjectPropertyInfo]:
        """The children and the properties of the object at a path, absolute or the unique end of one."""
        return cast(list[ObjectPropertyInfo], self.execute("qom-list", _given({
            "path": path,
        })))

    def qom_get(
        self,
        *,
        path: str,
        property: str,
    ) -> Any:
        """A property of an object. A child is given as its path."""
        return self.execute("qom-get", _given({
            "path": path,
            "property": property,
        }))

    def qom_set(
        self,
        *,
        path: str,
        property: str,
        value: Any,
    ) -> None:
        """Sets a property of an object."""
        self.execute("qom-set", _given({
            "path": path,
            "property": property,
            "value": value,
        }))

    def qom_list_properties(
        self,
        *,
        typename: str,
    ) -> list[ObjectPropertyInfo]:
        """What a new object of a type shows; of an abstract type, what all objects of it do."""
        return cast(list[ObjectPropertyInfo], self.execute("qom-list-properties", _given({
            "typename": typename,
        })))

    def device_list_properties(
        self,
        *,
        typename: str,
    ) -> list[ObjectPropertyInfo]:
        """What device_add takes for a type, and what an object of it shows."""
        return cast(list[ObjectPropertyInfo], self.execute("device-list-properties", _given({
            "typename": typename,
        })))

    def device_add(
        self,
        *,
        driver: str,
        id: str | None = None,
        bus: str | None = None,
        addr: Any | None = None,
        **more: Any,
    ) -> None:
        """Plugs a device: it is there, in full, when this returns, or nothing has changed. `addr` says where its registers are on the system bus."""
        self.execute("device_add", _given({
            "driver": driver,
            "id": id,
            "bus": bus,
            "addr": addr,
            **more,
        }))

    def device_del(
        self,
        *,
        id: str,
    ) -> None:
        """Unplugs a device and returns at once. DEVICE_DELETED says when its storage and its id are free. In a slot the guest is asked first: if it keeps the device, DEVICE_UNPLUG_GUEST_ERROR says so; until it answers, it can be asked again every 5 seconds."""
        self.execute("device_del", _given({
            "id": id,
        }))

    def x_surprise_remove(
        self,
        *,
        id: str,
    ) -> None:
        """Tears a device out, with what sits on its buses and in the same slot: nobody is asked."""
        self.execute("x-surprise-remove", _given({
            "id": id,
        }))

    def system_reset(self) -> None:
        """Resets the machine."""
        self.execute("system_reset")

    def system_powerdown(self) -> None:
        """Presses the power button."""
        self.execute("system_powerdown")

    def stop(self) -> None:
        """Stops the machine; if it is stopped, nothing."""
        self.execute("stop")

    def cont(self) -> None:
        """Lets the machine run; if it does, nothing."""
        self.execute("cont")

    def quit(self) -> None:
        """Ends the emulator."""
        self.execute("quit")

    def human_monitor_command(
        self,
        *,
        command_line: str,
        cpu_index: int | None = None,
    ) -> str:
        """Executes a line of the monitor for people."""
        return cast(str, self.execute("human-monitor-command", _given({
            "command-line": command_line,
            "cpu-index": cpu_index,
        })))

    def migrate_pause(self) -> None:
        """Interrupts a migration; there is never one, so it fails."""
        self.execute("migrate-pause")

    def x_query_census(self) -> list[CensusInfo]:
        """What is alive in the machine, by kind; kinds of which there is nothing are left out."""
        return cast(list[CensusInfo], self.execute("x-query-census"))

    def x_query_tickets(self) -> list[TicketInfo]:
        """The unplugs that are not done: who is inside of what goes, who holds its RAM, since when, from which line."""
        return cast(list[TicketInfo], self.execute("x-query-tickets"))

    def x_wait_ticket(
        self,
        *,
        id: str,
    ) -> TicketInfo:
        """Answers when the unplug of a device is done, given its id or path; at once if none goes on. Other commands wait behind it, but for those out of band."""
        return cast(TicketInfo, self.execute("x-wait-ticket", _given({
            "id": id,
        })))

    def x_query_memory_map(self) -> MemoryMap:
        """The map as it is now: address spaces, the views they share, and all regions with what is in them and whose they are. Numbers are places in the lists; `offset` is in the container, `last` the size less 1, and an alias shows `target` from `target-offset` on."""
        return cast(MemoryMap, self.execute("x-query-memory-map"))

    def x_explain_address(
        self,
        *,
        address: int,
        space: str | None = None,
    ) -> AddressExplanation:
        """What is at an address, whose it is, what else has a byte there and why that does not show. `space` is a name from x-query-memory-map; without it the system bus, which is called memory."""
        return cast(AddressExplanation, self.execute("x-explain-address", _given({
            "address": address,
            "space": space,
        })))
