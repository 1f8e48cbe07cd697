/* What waits for banks, in memory: whose lease a link is, what is due to be sent, what its answer makes of it. */
#include "tests/ledger_mem/memory.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "tests/ledger_mem/memory_inside.h"

static struct memory_lease *find_lease(const struct memory_database *database, const char *link)
{
        char key[ISSUER_MAX + 1] = "";
        struct memory_lease *lease;

        assert(strlen(link) <= ISSUER_MAX);
        strcpy(key, link);
        HASH_FIND(hh, database->leases, key, sizeof key, lease);
        return lease;
}

static bool take_lease(struct memory_database *database, const char *link, const char *holder,
                       int64_t lease_ms)
{
        int64_t now_ms = memory_now_ms(database);
        struct memory_lease *lease = find_lease(database, link);

        assert(strlen(holder) <= MEMORY_HOLDER_MAX);
        if (!lease) {
                lease = memory_allocate(sizeof *lease);
                strcpy(lease->link, link);
                HASH_ADD(hh, database->leases, link, sizeof lease->link, lease);
        } else if (strcmp(lease->holder, holder) != 0 && lease->until_ms >= now_ms &&
                   lease->until_ms <= now_ms + lease_ms) {
                return false;
        }
        strcpy(lease->holder, holder);
        lease->until_ms = now_ms + lease_ms;
        return true;
}

bool memory_saf_is_first(const struct memory_database *database, const struct memory_saf *saf)
{
        const struct memory_withdrawal *withdrawal = memory_withdrawal(database, &saf->key.identity);

        if (database->defect == LEDGER_MEM_TAKES_OUT_OF_ORDER)
                return true;
        for (size_t i = 0; i < withdrawal->notice_count; i++) {
                int seq = withdrawal->notices[i].seq;

                if (seq < saf->key.seq && memory_find_saf(database, &saf->key.identity, seq))
                        return false;
        }
        return true;
}

static bool is_free(const struct memory_database *database, const struct memory_saf *saf)
{
        return !saf->parked || database->defect == LEDGER_MEM_SENDS_HELD;
}

static int compare_due(const void *a, const void *b)
{
        const struct memory_saf *x = *(const struct memory_saf *const *)a,
                                *y = *(const struct memory_saf *const *)b;

        if (x->due_ms != y->due_ms)
                return x->due_ms < y->due_ms ? -1 : 1;
        if (x->key.identity.transmitted_ms != y->key.identity.transmitted_ms)
                return x->key.identity.transmitted_ms < y->key.identity.transmitted_ms ? -1 : 1;
        if (x->key.identity.stan != y->key.identity.stan)
                return x->key.identity.stan < y->key.identity.stan ? -1 : 1;
        return strcmp(x->key.identity.terminal, y->key.identity.terminal);
}

static int64_t pause_ms(int32_t attempts, int64_t first_ms, int64_t longest_ms)
{
        int64_t pause = first_ms * (INT64_C(1) << (attempts < 20 ? attempts : 20));

        return pause < longest_ms ? pause : longest_ms;
}

/* What lies further ahead than it could have been written is due, too. */
static bool is_due(const struct memory_database *database, const struct memory_saf *saf, int64_t longest_ms)
{
        int64_t now_ms = memory_now_ms(database);

        return saf->due_ms <= now_ms || saf->due_ms > now_ms + longest_ms;
}

size_t memory_saf_take(struct memory_database *database, const char *link, const char *holder,
                       int64_t lease_ms, int64_t first_ms, int64_t longest_ms, size_t max,
                       struct memory_taken *taken)
{
        struct memory_saf **due;
        int64_t now_ms = memory_now_ms(database);
        size_t count = 0;

        if (!take_lease(database, link, holder, lease_ms))
                return 0;
        due = memory_allocate((HASH_COUNT(database->saf) + 1) * sizeof(struct memory_saf *));
        for (struct memory_saf *saf = database->saf; saf; saf = saf->hh.next) {
                if (strcmp(saf->link, link) == 0 && is_free(database, saf) &&
                    is_due(database, saf, longest_ms) && memory_saf_is_first(database, saf))
                        due[count++] = saf;
        }
        qsort(due, count, sizeof(struct memory_saf *), compare_due);
        if (count > max)
                count = max;
        for (size_t i = 0; i < count; i++) {
                due[i]->due_ms = now_ms + pause_ms(due[i]->attempts++, first_ms, longest_ms);
                taken[i].identity = due[i]->key.identity;
                taken[i].notice = *memory_find_notice(database, &due[i]->key.identity, due[i]->key.seq);
                taken[i].notice.attempts = due[i]->attempts;
                taken[i].chip = due[i]->chip;
        }
        free(due);
        return count;
}

const char *const memory_notice_kind_name[] = {"completion", "partial", "reversal"};

/* An original that the bank does not know is a case if the bank was heard to approve it, in time or late: but not where a reversal
 * had no answer before, which the bank may have booked and put away. */
static enum notice_verdict final_verdict(const struct memory_withdrawal *withdrawal,
                                         const struct memory_saf *saf, const struct memory_notice *notice,
                                         enum notice_verdict verdict)
{
        bool was_approved =
            withdrawal->outcome.cause == MEMORY_CAUSE_ANSWER || saf->key.seq == MEMORY_SEQ_LATE;
        bool may_be_booked = notice->kind == MEMORY_NOTICE_REVERSAL && saf->attempts > 1 &&
                             strlen(saf->last_error) != BANK_CODE_LENGTH;

        return verdict == NOTICE_MISSING && was_approved && !may_be_booked ? NOTICE_CASE : verdict;
}

/* The verdict as it is taken; another than the bank's only where a defect is wanted. */
static enum notice_verdict taken_verdict(const struct memory_database *database,
                                         const struct memory_ended *ended)
{
        enum notice_verdict verdict = ended->verdict;
        bool answered = strlen(ended->said) == BANK_CODE_LENGTH;

        if (database->defect == LEDGER_MEM_BELIEVES_REFUSALS &&
            (verdict == NOTICE_CASE || verdict == NOTICE_MISSING))
                return NOTICE_DONE;
        if (database->defect == LEDGER_MEM_REPEATS_REPEATED && verdict == NOTICE_REPEATED)
                return NOTICE_AGAIN;
        if (database->defect == LEDGER_MEM_FORGETS_PUT_OFF && verdict == NOTICE_AGAIN && answered)
                return NOTICE_DONE;
        return verdict;
}

static void add_bank_exception(struct memory_database *database, const struct ledger_identity *identity,
                               const struct memory_notice *notice)
{
        struct memory_exception_key key;

        memset(&key, 0, sizeof key);
        key.advice = key.original =
            memory_identity(identity->terminal, identity->transmitted_ms, identity->stan);
        key.kind = MEMORY_EXCEPTION_BANK;
        snprintf(key.what, sizeof key.what, "%s answered %s", memory_notice_kind_name[notice->kind],
                 notice->de39);
        memory_add_exception(database, &key, notice->amount_yen, notice->dispensed_yen);
}

int memory_saf_end(struct memory_database *database, const struct memory_ended *ended, size_t count)
{
        int acknowledged = 0;

        for (size_t i = 0; i < count; i++) {
                struct memory_saf *saf = memory_find_saf(database, &ended[i].identity, ended[i].seq);
                enum notice_verdict verdict = taken_verdict(database, &ended[i]);
                struct memory_notice *notice;

                if (!saf)
                        continue;
                if (verdict == NOTICE_AGAIN) {
                        snprintf(saf->last_error, sizeof saf->last_error, "%s", ended[i].said);
                        continue;
                }
                notice = memory_find_notice(database, &ended[i].identity, ended[i].seq);
                notice->acknowledged = true;
                notice->acknowledged_ms = memory_now_ms(database);
                notice->attempts = saf->attempts;
                notice->verdict =
                    final_verdict(memory_withdrawal(database, &ended[i].identity), saf, notice, verdict);
                snprintf(notice->de39, sizeof notice->de39, "%s", ended[i].said);
                if (notice->verdict == NOTICE_CASE)
                        add_bank_exception(database, &ended[i].identity, notice);
                HASH_DELETE(hh, database->saf, saf);
                free(saf);
                acknowledged++;
        }
        return acknowledged;
}

static void break_lease(struct memory_database *database, const char *link)
{
        struct memory_lease *lease = find_lease(database, link);

        if (!lease)
                return;
        HASH_DEL(database->leases, lease);
        free(lease);
}

bool memory_operator_saf(struct memory_database *database, bool park, const struct ledger_identity *identity,
                         int seq)
{
        struct memory_saf *saf = memory_find_saf(database, identity, seq);
        int64_t now_ms = memory_now_ms(database);

        if (!saf || (park && saf->parked))
                return false;
        saf->parked = park;
        if (park)
                return true;
        saf->due_ms = saf->due_ms < now_ms ? saf->due_ms : now_ms;
        break_lease(database, saf->link);
        return true;
}
