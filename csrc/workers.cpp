#include "workers.h"

#include <exception>
#include <system_error>
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
    threads.reserve(parts);
    int part = 1;
    try {
        for (; part < parts; part++) threads.emplace_back(guarded, part);
    } catch (const std::system_error &) {  // no more threads: what is left runs here
    }
    guarded(0);
    for (; part < parts; part++) guarded(part);
    for (auto &thread : threads) thread.join();
    for (auto &failure : failures)
        if (failure) std::rethrow_exception(failure);
}

}  // namespace recurra
