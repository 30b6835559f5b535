// Loaded into `kinbox` with LD_PRELOAD: a librdkafka whose clients cannot be destroyed, as 2.0.2's
// sometimes cannot. HANGS names the calls that never return: "flags" for rd_kafka_destroy_flags,
// "flush" for rd_kafka_flush.
#include <dlfcn.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>

namespace {

void hang_if(const char* call) {
  const char* hangs = std::getenv("HANGS");
  while (hangs != nullptr && std::strstr(hangs, call) != nullptr) pause();
}

template <typename Function>
Function* next(const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

}  // namespace

extern "C" {

__attribute__((visibility("default"))) void rd_kafka_destroy_flags(void* client, int flags) {
  hang_if("flags");
  next<void(void*, int)>("rd_kafka_destroy_flags")(client, flags);
}

__attribute__((visibility("default"))) int rd_kafka_flush(void* client, int timeout_ms) {
  hang_if("flush");
  return next<int(void*, int)>("rd_kafka_flush")(client, timeout_ms);
}
}
