/* libFuzzer: a request to the key module, and an answer. */
#include "tests/fuzz/key_targets.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
        target_key_frame(bytes, size);
        return 0;
}
