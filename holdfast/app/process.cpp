// SPDX-License-Identifier: Apache-2.0
#include "holdfast/app/process.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <filesystem>

#include "holdfast/base/log.hpp"

namespace holdfast::app {
namespace {

/// Waits for a byte, which says that all is well, or for the end of whoever would send it.
[[noreturn]] void wait_and_exit(int told) {
  char byte = 1;
  ssize_t got = 0;
  do got = read(told, &byte, 1);
  while (got < 0 && errno == EINTR);
  _exit(got == 1 ? 0 : 1);
}

bool is_same_file(int fd, const std::string& path) {
  struct stat open_one {};
  struct stat named {};
  return fstat(fd, &open_one) == 0 && stat(path.c_str(), &named) == 0 &&
         open_one.st_dev == named.st_dev && open_one.st_ino == named.st_ino;
}

}  // namespace

void keep_standard_descriptors() {
  for (int fd = 0; fd <= 2; ++fd)
    if (fcntl(fd, F_GETFD) < 0 && errno == EBADF) {
      // The lowest number that is free, which is `fd`.
      if (open("/dev/null", fd == 0 ? O_RDONLY : O_WRONLY) < 0) return;
    }
}

Result<void> end_with_parent() {
  const pid_t parent = getppid();
  if (prctl(PR_SET_PDEATHSIG, SIGTERM) != 0)
    return fail("-run-with exit-with-parent=on: {}", std::strerror(errno));
  if (getppid() != parent) return fail("-run-with exit-with-parent=on: the parent has ended");
  return {};
}

void name_process(const std::string& name) { prctl(PR_SET_NAME, name.c_str()); }

std::string with_process_number(std::string path) {
  if (const auto sign = path.find("%d"); sign != path.npos) path.replace(sign, 2, std::to_string(getpid()));
  return path;
}

Background::~Background() {
  if (told_ >= 0) close(told_);
}

Result<void> Background::enter() {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return fail("-daemonize: {}", std::strerror(errno));
  const pid_t child = fork();
  if (child < 0) {
    close(ends[0]);
    close(ends[1]);
    return fail("-daemonize: {}", std::strerror(errno));
  }
  if (child > 0) {
    close(ends[1]);
    wait_and_exit(ends[0]);
  }
  close(ends[0]);
  told_ = ends[1];
  entered_ = true;
  setsid();
  return {};
}

void Background::ready() {
  if (told_ < 0) return;
  const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  for (int fd = 0; null >= 0 && fd <= 2; ++fd) dup2(null, fd);
  if (null > 2) close(null);
  const char byte = 0;
  if (::write(told_, &byte, 1) != 1) return;
  close(told_);
  told_ = -1;
}

void Background::leave_folder() {
  if (entered_ && chdir("/") != 0) log::warn("-daemonize: {}", std::strerror(errno));
}

PidFile::~PidFile() { remove(); }

void PidFile::remove() {
  if (fd_ < 0) return;
  if (is_same_file(fd_, path_)) unlink(path_.c_str());
  close(fd_);
  fd_ = -1;
}

Result<void> PidFile::write(std::string_view path) {
  std::error_code error;
  path_ = std::filesystem::absolute(path, error).string();
  const auto refused = [&] { return fail("-pidfile {}: {}", path, std::strerror(errno)); };
  const int fd = open(path_.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600);
  if (fd < 0) return refused();
  struct flock lock {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  if (fcntl(fd, F_OFD_SETLK, &lock) != 0) {
    close(fd);
    return fail("-pidfile {}: another process runs by it", path);
  }
  fd_ = fd;
  const std::string text = fmt::format("{}\n", getpid());
  if (ftruncate(fd, 0) != 0 || ::write(fd, text.data(), text.size()) != static_cast<ssize_t>(text.size()))
    return refused();
  return {};
}

}  // namespace holdfast::app
