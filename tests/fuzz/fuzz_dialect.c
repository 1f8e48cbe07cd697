/* libFuzzer: the file of a dialect. */
#include "tests/fuzz/targets.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
        target_dialect(bytes, size);
        return 0;
}
