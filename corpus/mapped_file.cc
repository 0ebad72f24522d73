#include "corpus/mapped_file.h"

#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <mutex>

namespace stuffwatch::corpus {
namespace {

// What the handler looks at. A slot is taken by its size, which is written last and taken away first.
struct Mapping {
  std::atomic<char*> data = nullptr;
  std::atomic<std::uint64_t> size = 0;
  std::atomic<bool> taken = false, intact = true;
};
std::array<Mapping, MappedFile::kMost> mappings;
struct sigaction before_us;
std::uintptr_t page_bytes = 4096;

// mmap() is no more than a system call: it may be called here, and the thread reads on.
bool mend(std::uintptr_t address) {
  for (Mapping& mapping : mappings) {
    const std::uint64_t size = mapping.size.load(std::memory_order_acquire);
    const auto begin = reinterpret_cast<std::uintptr_t>(mapping.data.load());
    if (size == 0 || address < begin || address - begin >= size) continue;
    mapping.intact.store(false, std::memory_order_release);
    void* const page = mapping.data.load() + ((address & ~(page_bytes - 1)) - begin);
    return ::mmap(page, page_bytes, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) !=
           MAP_FAILED;
  }
  return false;
}

void on_bus_error(int signal, siginfo_t* info, void* context) {
  const int error = errno;
  const bool mended = mend(reinterpret_cast<std::uintptr_t>(info->si_addr));
  errno = error;
  if (mended) return;
  if ((before_us.sa_flags & SA_SIGINFO) != 0) return before_us.sa_sigaction(signal, info, context);
  if (before_us.sa_handler != SIG_DFL && before_us.sa_handler != SIG_IGN)
    return before_us.sa_handler(signal);
  ::signal(signal, SIG_DFL);  // the access is repeated, and ends the process as it would have
}

void install_handler() {
  static std::once_flag once;
  std::call_once(once, [] {
    page_bytes = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
    struct sigaction action{};
    action.sa_sigaction = on_bus_error, action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    ::sigemptyset(&action.sa_mask);
    ::sigaction(SIGBUS, &action, &before_us);
  });
}

}  // namespace

config::Result<MappedFile> MappedFile::open(const config::FileDescriptor& file, std::uint64_t size,
                                            const std::filesystem::path& path) {
  install_handler();
  for (std::size_t slot = 0; slot < kMost; ++slot) {
    Mapping& mapping = mappings[slot];
    if (mapping.taken.exchange(true)) continue;
    void* const memory = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, file.get(), 0);
    if (memory == MAP_FAILED) {
      const int error = errno;
      mapping.taken = false;
      return config::failed("cannot map {}: {}", path.string(), config::system_reason(error));
    }
    mapping.data = static_cast<char*>(memory), mapping.intact = true;
    mapping.size.store(size, std::memory_order_release);
    return MappedFile(slot);
  }
  return config::failed("cannot map {}: {} files are mapped already; stuffwatch corpus compact",
                        path.string(), kMost);
}

MappedFile::~MappedFile() {
  if (slot_ == kMost) return;
  Mapping& mapping = mappings[slot_];
  const std::uint64_t size = mapping.size.exchange(0);
  ::munmap(mapping.data, size);
  mapping.taken.store(false, std::memory_order_release);
}

const char* MappedFile::data() const { return mappings[slot_].data; }
bool MappedFile::intact() const { return mappings[slot_].intact.load(std::memory_order_acquire); }

}  // namespace stuffwatch::corpus
