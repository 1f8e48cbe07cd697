/* libFuzzer: a request from its bytes to its answer. */
#include "tests/fuzz/targets.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
        target_profile(bytes, size);
        return 0;
}
