// SPDX-License-Identifier: Apache-2.0
// What clients and people ask and for which a machine here has nothing. They are told so in a
// sentence, whatever the arguments are.
#include <array>

#include "holdfast/control/hmp/command.hpp"

namespace holdfast::control::hmp {
namespace {

constexpr std::string_view kNoNetwork = "This machine has no network.";
constexpr std::string_view kNoScreen = "This machine has no screen.";
constexpr std::string_view kNoKeys = "This machine has no keyboard and no mouse.";
constexpr std::string_view kNoSound = "This machine has no sound.";
constexpr std::string_view kNoDrives = "Drives are made, removed and resized here, no more.";
constexpr std::string_view kNoMigration = "A machine cannot be moved to another process here.";
constexpr std::string_view kNoSnapshots = "The state of a machine cannot be saved here.";
constexpr std::string_view kNoTraces = "There are no trace events here; log says what can be logged.";
constexpr std::string_view kNoBalloon = "This machine has no balloon.";
constexpr std::string_view kNoReplay = "Nothing is recorded, and nothing replayed.";
constexpr std::string_view kNoErrors = "No device of this machine takes injected errors.";

constexpr auto kAbsentRows = std::to_array<Row>({
    {.name = "announce_self", .help = "tells the network where the machine is", .absent = kNoNetwork},
    {.name = "hostfwd_add", .help = "lets a port of the host lead to the guest", .absent = kNoNetwork},
    {.name = "hostfwd_remove", .help = "no longer lets a port lead to the guest", .absent = kNoNetwork},
    {.name = "netdev_add", .help = "makes a network back-end", .absent = kNoNetwork},
    {.name = "netdev_del", .help = "removes a network back-end", .absent = kNoNetwork},
    {.name = "set_link", .help = "plugs or unplugs a network cable", .absent = kNoNetwork},
    {.name = "screendump", .help = "saves what is on the screen", .absent = kNoScreen},
    {.name = "set_password", .help = "sets the password of a remote screen", .absent = kNoScreen},
    {.name = "expire_password", .help = "lets the password of a remote screen expire", .absent = kNoScreen},
    {.name = "sendkey", .help = "presses keys", .absent = kNoKeys},
    {.name = "mouse_move", .help = "moves the mouse", .absent = kNoKeys},
    {.name = "mouse_button", .help = "presses buttons of the mouse", .absent = kNoKeys},
    {.name = "mouse_set", .help = "chooses a mouse", .absent = kNoKeys},
    {.name = "wavcapture", .help = "records sound", .absent = kNoSound},
    {.name = "stopcapture", .help = "ends a recording", .absent = kNoSound},
    {.name = "block_job_cancel", .help = "cancels a block job", .absent = kNoDrives},
    {.name = "block_stream", .help = "copies what lies below an image into it", .absent = kNoDrives},
    {.name = "change", .help = "changes a medium", .absent = kNoDrives},
    {.name = "commit", .help = "writes an image into the one it is based on", .absent = kNoDrives},
    {.name = "drive_backup", .help = "copies a drive as it is now", .absent = kNoDrives},
    {.name = "drive_mirror", .help = "keeps a copy of a drive", .absent = kNoDrives},
    {.name = "eject", .help = "ejects a medium", .absent = kNoDrives},
    {.name = "nbd_server_add", .help = "exports a drive", .absent = kNoDrives},
    {.name = "nbd_server_start", .help = "starts a server for drives", .absent = kNoDrives},
    {.name = "nbd_server_stop", .help = "stops it", .absent = kNoDrives},
    {.name = "qemu-io", .help = "input and output on a drive", .absent = kNoDrives},
    {.name = "snapshot_blkdev", .help = "goes on in a new image", .absent = kNoDrives},
    {.name = "migrate", .help = "moves the machine", .absent = kNoMigration},
    {.name = "migrate_cancel", .help = "cancels a migration", .absent = kNoMigration},
    {.name = "migrate_continue", .help = "goes on with a migration", .absent = kNoMigration},
    {.name = "migrate_incoming", .help = "takes a machine in", .absent = kNoMigration},
    {.name = "migrate_pause", .help = "interrupts a migration", .absent = kNoMigration},
    {.name = "migrate_recover", .help = "takes up an interrupted migration", .absent = kNoMigration},
    {.name = "migrate_set_capability", .help = "sets what a migration may do", .absent = kNoMigration},
    {.name = "migrate_set_parameter", .help = "sets how a migration goes", .absent = kNoMigration},
    {.name = "migrate_start_postcopy", .help = "moves the machine before its memory", .absent = kNoMigration},
    {.name = "client_migrate_info", .help = "tells a remote screen where the machine goes", .absent = kNoMigration},
    {.name = "calc_dirty_rate", .help = "how fast memory is written to", .absent = kNoMigration},
    {.name = "set_vcpu_dirty_limit", .help = "how fast a CPU may write to memory", .absent = kNoMigration},
    {.name = "cancel_vcpu_dirty_limit", .help = "as fast as it can", .absent = kNoMigration},
    {.name = "savevm", .help = "saves the machine", .absent = kNoSnapshots},
    {.name = "loadvm", .help = "goes back to a saved machine", .absent = kNoSnapshots},
    {.name = "delvm", .help = "forgets a saved machine", .absent = kNoSnapshots},
    {.name = "trace-event", .help = "switches trace events on and off", .absent = kNoTraces},
    {.name = "trace-file", .help = "where trace events go", .absent = kNoTraces},
    {.name = "balloon", .help = "takes memory from the guest", .absent = kNoBalloon},
    {.name = "replay_break", .help = "stops a replay at an instruction", .absent = kNoReplay},
    {.name = "replay_delete_break", .help = "does not stop there", .absent = kNoReplay},
    {.name = "replay_seek", .help = "goes to an instruction of a replay", .absent = kNoReplay},
    {.name = "pcie_aer_inject_error", .help = "lets a device report an error", .absent = kNoErrors},
    {.name = "mce", .help = "lets a CPU report an error", .absent = kNoErrors},
    {.name = "nmi",
     .help = "interrupts a CPU that takes no other interrupts",
     .absent = "The CPUs of this machine have no such interrupt."},
    {.name = "boot_set",
     .help = "from what the machine boots",
     .absent = "No firmware here asks from what to boot."},
    {.name = "watchdog_action",
     .help = "what comes of a watchdog that is not fed",
     .absent = "This machine has no watchdog."},
    {.name = "system_wakeup", .help = "wakes the machine", .absent = "This machine does not sleep."},
    {.name = "gdbserver", .help = "lets a debugger in", .absent = "There is no server for debuggers here."},
    {.name = "logfile",
     .help = "where the log goes",
     .absent = "Where the log goes is said by -D, when the emulator starts."},
    {.name = "one-insn-per-tb|singlestep",
     .help = "decodes one instruction at a time",
     .absent = "Instructions are always decoded in blocks here."},
    {.name = "sync-profile",
     .help = "measures how long threads wait for each other",
     .absent = "Waiting is not measured here; info tickets says who is inside what."},
    {.name = "getfd",
     .help = "takes a descriptor that came with this line",
     .absent = "No descriptor comes with a line of this monitor."},
    {.name = "closefd",
     .help = "closes a descriptor that was taken",
     .absent = "No descriptor comes with a line of this monitor."},
    {.name = "exit_preconfig",
     .help = "goes on with making the machine",
     .absent = "The machine is made before this monitor is there."},
});

constexpr auto kInfoAbsentRows = std::to_array<Row>({
    {.name = "balloon", .help = "how much memory was taken from the guest", .absent = kNoBalloon},
    {.name = "block-jobs", .help = "copies that are being made", .absent = "No block job is going on."},
    {.name = "blockstats", .help = "what drives have done", .absent = "What drives do is not counted here."},
    {.name = "capture", .help = "recordings of sound", .absent = kNoSound},
    {.name = "cryptodev", .help = "devices that encrypt", .absent = "This machine has no device that encrypts."},
    {.name = "dirty_rate", .help = "how fast memory is written to", .absent = kNoMigration},
    {.name = "dump",
     .help = "how a core file gets on",
     .absent = "No core file is being written: dump-guest-memory is done when it answers."},
    {.name = "jit",
     .help = "what was compiled",
     .absent = "Nothing is compiled: instructions are decoded into blocks and interpreted."},
    {.name = "mice", .help = "the mice", .absent = kNoKeys},
    {.name = "migrate", .help = "how a migration gets on", .absent = kNoMigration},
    {.name = "migrate_capabilities", .help = "what a migration may do", .absent = kNoMigration},
    {.name = "migrate_parameters", .help = "how a migration goes", .absent = kNoMigration},
    {.name = "network", .help = "the network back-ends and cards", .absent = kNoNetwork},
    {.name = "opcount", .help = "how often operations were compiled", .absent = "Nothing is compiled here."},
    {.name = "profile", .help = "where time is spent", .absent = "Time is not measured here."},
    {.name = "replay", .help = "how a replay gets on", .absent = kNoReplay},
    {.name = "rocker", .help = "a switch for networks", .absent = kNoNetwork},
    {.name = "snapshots", .help = "the machines that were saved", .absent = kNoSnapshots},
    {.name = "sync-profile",
     .help = "how long threads wait for each other",
     .absent = "Waiting is not measured here; info tickets says who is inside what."},
    {.name = "tpm", .help = "security chips", .absent = "This machine has no security chip."},
    {.name = "trace-events", .help = "the trace events", .absent = kNoTraces},
    {.name = "usb", .help = "the devices on USB buses", .absent = "This machine has no USB bus."},
    {.name = "usbhost", .help = "USB devices of the host", .absent = "This machine has no USB bus."},
    {.name = "usernet", .help = "connections of the user's network", .absent = kNoNetwork},
    {.name = "vcpu_dirty_limit", .help = "how fast CPUs may write to memory", .absent = kNoMigration},
    {.name = "vm-generation-id",
     .help = "whether the machine is a copy",
     .absent = "This machine has no such identifier."},
});

}  // namespace

std::span<const Row> absent_rows() { return kAbsentRows; }
std::span<const Row> info_absent_rows() { return kInfoAbsentRows; }

}  // namespace holdfast::control::hmp
