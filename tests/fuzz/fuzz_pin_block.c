/* libFuzzer: a PIN block. */
#include "tests/fuzz/key_targets.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
        target_pin_block(bytes, size);
        return 0;
}
