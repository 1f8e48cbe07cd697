#include "lib/base/seldom.h"

bool seldom_may(struct seldom *seldom, uint64_t what, int64_t now_ms, int64_t *ret_more)
{
        if (seldom->said_ms && seldom->what == what && now_ms - seldom->said_ms < SELDOM_MS) {
                seldom->more++;
                return false;
        }
        *ret_more = seldom->more;
        *seldom = (struct seldom){.what = what, .said_ms = now_ms};
        return true;
}
