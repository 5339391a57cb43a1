#include "workers.h"

#include <atomic>
#include <exception>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#if defined(__linux__)
#include <dlfcn.h>
#include <link.h>
#include <unistd.h>
#endif

namespace recurra {
namespace {

// Parts are handed out one by one to whoever comes.
class Parts {
  public:
    Parts(int count, const std::function<void(int, int)> &work) : count_(count), work_(work), failures_(count) {}
    void take_all() {
        for (int part; (part = next_++) < count_;) {
            try {
                work_(part, count_);
            } catch (...) {
                failures_[part] = std::current_exception();
            }
        }
    }
    void rethrow() const {
        for (auto &failure : failures_)
            if (failure) std::rethrow_exception(failure);
    }

  private:
    const int count_;
    const std::function<void(int, int)> &work_;
    std::atomic<int> next_{0};
    std::vector<std::exception_ptr> failures_;
};

#if defined(__linux__)
// GNU's OpenMP: runs a function in some threads, this one among them, and waits.
using Team = void (*)(void (*function)(void *), void *data, unsigned threads, unsigned flags);

// The one that was loaded with torch; null where there is none.
Team find_team() {
    std::string path;
    dl_iterate_phdr(
        [](dl_phdr_info *info, size_t, void *found) {
            const std::string name = info->dlpi_name ? info->dlpi_name : "";
            if (name.find("/torch") == std::string::npos || name.find("libgomp") == std::string::npos) return 0;
            *static_cast<std::string *>(found) = name;
            return 1;
        },
        &path);
    void *library = path.empty() ? nullptr : dlopen(path.c_str(), RTLD_LAZY | RTLD_NOLOAD);
    return library ? reinterpret_cast<Team>(dlsym(library, "GOMP_parallel")) : nullptr;
}

// Whose threads torch's are: those of the process that loaded this library, or nobody's.
pid_t owner = getpid();

bool by_torchs_threads(int threads, Parts &parts) {
    static const Team team = find_team();
    if (!team || getpid() != owner) return false;
    team([](void *all) { static_cast<Parts *>(all)->take_all(); }, &parts, unsigned(threads), 0);
    return true;
}
#else
bool by_torchs_threads(int, Parts &) { return false; }
#endif

}  // namespace

void leave_torchs_threads() {
#if defined(__linux__)
    owner = 0;
#endif
}

void in_parallel(int count, const std::function<void(int, int)> &work) {
    if (count <= 1) return work(0, 1);
    Parts parts(count, work);
    if (!by_torchs_threads(count, parts)) {
        std::vector<std::thread> threads;
        threads.reserve(count);
        try {
            while (int(threads.size()) < count - 1) threads.emplace_back([&] { parts.take_all(); });
        } catch (const std::system_error &) {  // no more threads: the others do it all
        }
        parts.take_all();
        for (auto &thread : threads) thread.join();
    }
    parts.rethrow();
}

}  // namespace recurra
