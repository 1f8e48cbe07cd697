/* libFuzzer: the codec in every dialect. */
#include "tests/fuzz/targets.h"
#include "tests/fuzz/variants.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
        for (unsigned variant = 0; variant < DIALECT_VARIANTS; variant++)
                target_decode(dialect_variant(variant), bytes, size);
        return 0;
}
