/*
 * One withdrawal with all that is recorded about it, on our side and of the bank's: decision, what the bank
 * said, advices, what the bank was told and has acknowledged, commission, exceptions, what operators did.
 */
#ifndef ATMCTL_WITHDRAWAL_WHOLE_H
#define ATMCTL_WITHDRAWAL_WHOLE_H

#include "tools/atmctl/withdrawal_find.h"

/* withdrawal show, exception show: the exit code. */
int withdrawal_show(const struct invocation *invocation);

#endif
