#include "workers.h"

#include <exception>
#include <thread>
#include <vector>

namespace recurra {

void in_parallel(int parts, const std::function<void(int, int)> &work) {
    if (parts <= 1) return work(0, 1);
    std::vector<std::exception_ptr> failures(parts);
    std::vector<std::thread> threads;
    auto guarded = [&](int part) {
        try {
            work(part, parts);
        } catch (...) {
            failures[part] = std::current_exception();
        }
    };
    for (int part = 1; part < parts; part++) threads.emplace_back(guarded, part);
    guarded(0);
    for (auto &thread : threads) thread.join();
    for (auto &failure : failures)
        if (failure) std::rethrow_exception(failure);
}

}  // namespace recurra
