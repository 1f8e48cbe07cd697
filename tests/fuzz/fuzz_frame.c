/* libFuzzer: a stream of frames, whole and in pieces. */
#include "tests/fuzz/targets.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
        target_frame(bytes, size);
        return 0;
}
