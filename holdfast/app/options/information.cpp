// SPDX-License-Identifier: Apache-2.0
// Options that ask about the emulator, and those it does not have.
#include <array>

#include "holdfast/app/options/table.hpp"

namespace holdfast::app {
namespace {

template <Action A>
Result<void> ask(Draft& draft, std::string_view) {
  return draft.ask(A);
}

constexpr std::array kInformationOptions{
    OptionRow{.name = "help",
              .help = "this text",
              .section = Section::kInformation,
              .read = ask<Action::kHelp>},
    OptionRow{.name = "h", .read = ask<Action::kHelp>},
    OptionRow{.name = "version",
              .help = "the version",
              .section = Section::kInformation,
              .read = ask<Action::kVersion>},
};

constexpr std::string_view kNoDisk = "no machine has a disk; -drive if=pflash is for flash memory";
constexpr std::string_view kNoNetwork = "no machine has a network; leave it out";
constexpr std::string_view kNoScreen = "no machine has a screen; use -display none";
constexpr std::string_view kNoUsb = "no machine has USB";
constexpr std::string_view kEmulatorOnly = "instructions are emulated; -accel help lists the ways";
constexpr std::string_view kNoSnapshot = "a machine's state is not saved or loaded";

constexpr std::array kAbsent{
    AbsentOption{"icount", "instructions do not drive the clock; -accel tcg,thread=single runs the "
                           "CPUs in turn"},
    AbsentOption{"enable-kvm", kEmulatorOnly},
    AbsentOption{"gdb", "there is no debugger's port"},
    AbsentOption{"s", "there is no debugger's port"},
    AbsentOption{"plugin", "there are no plugins"},
    AbsentOption{"singlestep", "no code is generated"},
    AbsentOption{"one-insn-per-tb", "no code is generated"},
    AbsentOption{"netdev", kNoNetwork},
    AbsentOption{"usb", kNoUsb},
    AbsentOption{"usbdevice", kNoUsb},
    AbsentOption{"vnc", kNoScreen},
    AbsentOption{"spice", kNoScreen},
    AbsentOption{"full-screen", kNoScreen},
    AbsentOption{"hda", kNoDisk},
    AbsentOption{"hdb", kNoDisk},
    AbsentOption{"hdc", kNoDisk},
    AbsentOption{"hdd", kNoDisk},
    AbsentOption{"cdrom", kNoDisk},
    AbsentOption{"fda", kNoDisk},
    AbsentOption{"fdb", kNoDisk},
    AbsentOption{"sd", kNoDisk},
    AbsentOption{"mtdblock", kNoDisk},
    AbsentOption{"snapshot", kNoDisk},
    AbsentOption{"fsdev", kNoDisk},
    AbsentOption{"virtfs", kNoDisk},
    AbsentOption{"tpmdev", "no machine has a TPM"},
    AbsentOption{"watchdog", "no machine has a watchdog"},
    AbsentOption{"incoming", kNoSnapshot},
    AbsentOption{"loadvm", kNoSnapshot},
    AbsentOption{"only-migratable", kNoSnapshot},
    AbsentOption{"smbios", "no machine has SMBIOS tables"},
    AbsentOption{"acpitable", "no machine has ACPI tables"},
    AbsentOption{"no-acpi", "no machine has ACPI tables"},
    AbsentOption{"no-hpet", "no machine has an HPET"},
    AbsentOption{"no-fd-bootchk", "no machine has a PC BIOS"},
    AbsentOption{"k", kNoScreen},
    AbsentOption{"add-fd", "descriptors are not passed by the command line"},
    AbsentOption{"mem-path", "use -object memory-backend-file and -machine memory-backend=ID"},
    AbsentOption{"mem-prealloc", "use -object memory-backend-ram,prealloc=on and -machine "
                                 "memory-backend=ID"},
    AbsentOption{"runas", "start it as the user who is to run it"},
    AbsentOption{"chroot", "start it in the root it is to have"},
    AbsentOption{"sandbox", "there is no system call filter"},
    AbsentOption{"overcommit", "memory is committed when the guest touches it"},
    AbsentOption{"compat", "there is nothing deprecated to refuse"},
    AbsentOption{"msg", "messages are lines without a time"},
    AbsentOption{"dfilter", "logs are not limited to addresses"},
    AbsentOption{"seed", "nothing is random"},
    AbsentOption{"echr", "the escape key is control-A"},
    AbsentOption{"dump-vmstate", kNoSnapshot},
    AbsentOption{"win2k-hack", kNoDisk},
    AbsentOption{"xen-domid", kEmulatorOnly},
    AbsentOption{"xen-attach", kEmulatorOnly},
    AbsentOption{"prom-env", "no machine has Open Firmware"},
    AbsentOption{"option-rom", "no machine has option ROMs"},
    AbsentOption{"bt", "no machine has Bluetooth"},
    AbsentOption{"writeconfig", "nothing is written but what runs"},
    AbsentOption{"async-teardown", "memory goes with the process"},
    AbsentOption{"perfmap", "no code is generated"},
    AbsentOption{"jitdump", "no code is generated"},
};

}  // namespace

std::span<const OptionRow> information_options() { return kInformationOptions; }
std::span<const AbsentOption> absent_options() { return kAbsent; }

}  // namespace holdfast::app
