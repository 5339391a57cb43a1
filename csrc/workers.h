// Threads for one call.
#pragma once

#include <functional>

namespace recurra {

// Runs work(part, parts) for every part, each in a thread of its own as far as there are enough, and waits. What one of
// them throws is thrown.
//
// The threads are those of torch where torch runs on GNU's OpenMP: they go on spinning for some milliseconds after each of
// torch's own operations, and threads beside them would have to share the cores with them. Elsewhere, and in a forked
// process, where torch's are gone, threads are started for the call.
void in_parallel(int parts, const std::function<void(int part, int parts)> &work);

// To be called where this library was loaded by a process that has been forked before: torch's threads are gone then, and
// nothing here can tell.
void leave_torchs_threads();

}  // namespace recurra
