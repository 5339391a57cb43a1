// Threads for one call.
#pragma once

#include <functional>

namespace recurra {

// Runs work(part, parts) for every part, each in a thread of its own, and waits. What one of them throws is thrown.
void in_parallel(int parts, const std::function<void(int part, int parts)> &work);

}  // namespace recurra
