#include "backoffice/audit/kept.h"

#include <stdlib.h>
#include <string.h>

#include "rules/reasons.h"

/* what the rows say ------------------------------------------------------------------------------------ */

bool kept_is_priced(const struct kept_withdrawal *w)
{
        return w->present && (w->reason == REASON_APPROVED || w->link != NAME_NONE);
}

enum withdrawal_state kept_decided(const struct kept_withdrawal *w)
{
        int16_t reason = w->reason != KEPT_NO_REASON ? w->reason : w->outcome;

        switch (reason) {
        case KEPT_NO_REASON:
                return WITHDRAWAL_ASKED;
        case REASON_APPROVED:
                return WITHDRAWAL_APPROVED;
        case REASON_BLOCKED:
                return WITHDRAWAL_BLOCKED;
        default:
                return WITHDRAWAL_DECLINED;
        }
}

struct kept_ending kept_ending_of(const struct kept *k, const struct kept_withdrawal *w)
{
        struct kept_ending end = {.state = NAME_STATE + WITHDRAWAL_ASKED};
        enum withdrawal_state state;

        for (uint32_t at = w->advices; at; at = k->advice[at].next) {
                end.state = k->advice[at].state;
                end.counted_yen = k->advice[at].counted_yen;
        }
        if (end.state == NAME_STATE + WITHDRAWAL_ASKED)
                end.state = NAME_STATE + (uint32_t)kept_decided(w);
        state = name_state(end.state);
        end.is_open = state == WITHDRAWAL_ASKED || state == WITHDRAWAL_APPROVED;
        end.is_used = end.is_open || state == WITHDRAWAL_COMPLETED;
        end.used_yen = end.is_open ? w->amount_yen : state == WITHDRAWAL_COMPLETED ? end.counted_yen : 0;
        return end;
}

/* reading ---------------------------------------------------------------------------------------------- */

void kept_out_of_memory(struct kept *k)
{
        if (!k->failed)
                copy_source_fail(k->source, "out of memory");
        k->failed = true;
}

/* A new place in one of the pools, a pointer to which is at `pool`; 0: out of memory. */
static uint32_t make_room(struct kept *k, void *pool, uint32_t *count, uint32_t *max, size_t size)
{
        if (*count + 1 >= *max) {
                uint32_t grown = *max ? *max * 2 : 1024;
                void *items, *old;

                memcpy(&old, pool, sizeof(old));
                items = grown > *max ? reallocarray(old, grown, size) : NULL;
                if (!items) {
                        kept_out_of_memory(k);
                        return 0;
                }
                memcpy(pool, &items, sizeof(items));
                *max = grown;
        }
        return ++*count;
}

struct kept_withdrawal *kept_take(struct kept *k, struct copy_out *copy, struct withdrawal_key *ret_key)
{
        struct kept_withdrawal *w;
        size_t known = k->withdrawals.count;

        ret_key->terminal = copy_name(copy);
        ret_key->at_us = copy_moment_us(copy);
        ret_key->stan = copy_int4(copy, 0);
        w = (struct kept_withdrawal *)(void *)tally_at(&k->withdrawals, ret_key);
        if (!w)
                kept_out_of_memory(k);
        else if (k->withdrawals.count > known)
                w->reason = w->outcome = KEPT_NO_REASON;
        return w;
}

/* When it was approved: by whichever of its rows says so. */
static void take_approval(struct kept_withdrawal *w, struct copy_out *copy)
{
        bool is_timed = copy_bool(copy);
        int64_t approved_us = copy_moment_us(copy);

        if (!is_timed)
                return;
        w->is_timed = true;
        w->approved_us = approved_us;
}

void kept_take_withdrawal(struct kept *k, struct copy_out *copy)
{
        struct withdrawal_key key;
        struct kept_withdrawal *w = kept_take(k, copy, &key);

        if (!w)
                return;
        w->present = true;
        w->reason = copy_int2(copy, KEPT_NO_REASON);
        w->amount_yen = copy_int8(copy);
        copy_uuid(copy, w->card);
        w->issuer = copy_name(copy);
        w->band = copy_name(copy);
        w->hall = copy_name(copy);
        w->business_day = copy_day(copy);
        w->tariff_day = copy_day(copy);
        w->tax_rate_bp = copy_int4(copy, -1);
        for (int i = 0; i < PRICE_PARTS; i++)
                w->price[i] = copy_int8(copy);
        w->link = copy_name(copy);
        w->is_banks = w->link != NAME_NONE;
        if (w->reason != KEPT_NO_REASON)
                w->link = NAME_NONE; /* refused for want of its bank, which was not asked */
        w->head = copy_name(copy);
        take_approval(w, copy);
}

void kept_take_outcome(struct kept *k, struct copy_out *copy)
{
        struct withdrawal_key key;
        struct kept_withdrawal *w = kept_take(k, copy, &key);

        if (!w)
                return;
        w->has_outcome = true;
        w->outcome = copy_int2(copy, KEPT_NO_REASON);
        w->cause = copy_name(copy);
        take_approval(w, copy);
}

void kept_take_advice(struct kept *k, struct copy_out *copy)
{
        struct withdrawal_key key;
        struct kept_withdrawal *w = kept_take(k, copy, &key);
        uint32_t place = w ? make_room(k, &k->advice, &k->advices, &k->advices_max, sizeof(*k->advice)) : 0;
        struct kept_advice *advice;
        uint32_t *link;

        if (!place)
                return;
        advice = &k->advice[place];
        *advice = (struct kept_advice){.seq = copy_int2(copy, 0)};
        advice->kind = copy_name(copy);
        advice->why = copy_name(copy);
        advice->dispensed_yen = copy_int8(copy);
        advice->state_before = copy_name(copy);
        advice->state = copy_name(copy);
        advice->counted_yen = copy_int8(copy);
        advice->commission = copy_int2(copy, 0);
        advice->at_us = copy_moment_us(copy);
        advice->stan = copy_int4(copy, 0);
        advice->amount_yen = copy_int8(copy);
        advice->is_timed = copy_bool(copy);
        for (link = &w->advices; *link && k->advice[*link].seq < advice->seq; link = &k->advice[*link].next)
                ;
        advice->next = *link;
        *link = place;
}

struct kept_notice *kept_find_notice(struct kept *k, const struct kept_withdrawal *w, int16_t seq)
{
        uint32_t at = w->notices;

        while (at && k->notice[at].seq != seq)
                at = k->notice[at].next;
        return at ? &k->notice[at] : NULL;
}

void kept_take_notice(struct kept *k, struct copy_out *copy)
{
        struct withdrawal_key key;
        struct kept_withdrawal *w = kept_take(k, copy, &key);
        uint32_t place = w ? make_room(k, &k->notice, &k->notices, &k->notices_max, sizeof(*k->notice)) : 0;
        struct kept_notice *notice;
        uint32_t *link;

        if (!place)
                return;
        notice = &k->notice[place];
        *notice = (struct kept_notice){.seq = copy_int2(copy, 0)};
        notice->link = copy_name(copy);
        notice->kind = copy_name(copy);
        notice->amount_yen = copy_int8(copy);
        notice->charge_yen = copy_int8(copy);
        notice->dispensed_yen = copy_int8(copy);
        notice->why = copy_name(copy);
        for (link = &w->notices; *link && k->notice[*link].seq < notice->seq; link = &k->notice[*link].next)
                ;
        notice->next = *link;
        *link = place;
}

struct kept_exception *kept_find_exception(struct kept *k, const struct kept_withdrawal *w,
                                           const struct kept_exception *like)
{
        for (uint32_t at = w->exceptions; at; at = k->exception[at].next) {
                struct kept_exception *e = &k->exception[at];

                if (e->kind == like->kind && e->what == like->what && e->stan == like->stan &&
                    e->at_us == like->at_us)
                        return e;
        }
        return NULL;
}

void kept_take_exception(struct kept *k, struct copy_out *copy)
{
        struct withdrawal_key key;
        struct kept_withdrawal *w = kept_take(k, copy, &key);
        uint32_t place =
            w ? make_room(k, &k->exception, &k->exceptions, &k->exceptions_max, sizeof(*k->exception)) : 0;
        struct kept_exception *exception;

        if (!place)
                return;
        exception = &k->exception[place];
        *exception = (struct kept_exception){.next = w->exceptions, .kind = copy_name(copy)};
        exception->at_us = copy_moment_us(copy);
        exception->stan = copy_int4(copy, 0);
        exception->what = copy_name(copy);
        exception->amount_yen = copy_int8(copy);
        exception->dispensed_yen = copy_int8(copy);
        w->exceptions = place;
}

void kept_take_action(struct kept *k, struct copy_out *copy)
{
        struct withdrawal_key key;
        struct kept_withdrawal *w = kept_take(k, copy, &key);
        uint32_t place = w ? make_room(k, &k->action, &k->actions, &k->actions_max, sizeof(*k->action)) : 0;
        struct kept_action *action;

        if (!place)
                return;
        action = &k->action[place];
        *action = (struct kept_action){.next = w->actions, .what = copy_name(copy)};
        action->at_ms = copy_int8(copy);
        action->seq = copy_int2(copy, KEPT_NO_SEQ);
        action->dispensed_yen = copy_int8(copy);
        action->exceptions = copy_int8(copy);
        w->actions = place;
}

/* the whole -------------------------------------------------------------------------------------------- */

void kept_open(struct kept *k, struct copy_source *source)
{
        _Static_assert(sizeof(struct kept_withdrawal) % sizeof(int64_t) == 0,
                       "it lies in the room of numbers");
        *k = (struct kept){.source = source};
        tally_open(&k->withdrawals, sizeof(struct withdrawal_key),
                   sizeof(struct kept_withdrawal) / sizeof(int64_t));
}

void kept_close(struct kept *k)
{
        tally_close(&k->withdrawals);
        free(k->advice);
        free(k->notice);
        free(k->exception);
        free(k->action);
}

void kept_clear(struct kept *k)
{
        tally_clear(&k->withdrawals);
        k->advices = k->notices = k->exceptions = k->actions = 0;
}
