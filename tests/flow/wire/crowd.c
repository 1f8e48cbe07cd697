/* See crowd.h. Threads only send and receive; what they got is checked by whoever called. */
#include "tests/flow/wire/crowd.h"

#include <pthread.h>
#include <string.h>

static void *run_one(void *context)
{
        struct rush *one = context;
        send_message(one->atm, &one->request);
        one->result = client_receive(one->atm->client, &one->answer, ANSWER_MS);
        return NULL;
}

void rush(struct rush *rushes, int count)
{
        pthread_t thread[CROWD_MAX];
        ck_assert_int_le(count, CROWD_MAX);
        for (int i = 0; i < count; i++)
                ck_assert_int_eq(pthread_create(&thread[i], NULL, run_one, &rushes[i]), 0);
        for (int i = 0; i < count; i++)
                pthread_join(thread[i], NULL);
}

int rush_for_cash(struct atm *atms, int count, const struct card *card, int64_t amount_yen, int64_t moment_ms,
                  const char *refusal)
{
        static struct rush rushes[CROWD_MAX];
        int approved = 0;
        for (int i = 0; i < count; i++) {
                rushes[i].atm = &atms[i];
                make_withdrawal_at(&rushes[i].request, &atms[i], card, amount_yen, moment_ms);
        }
        rush(rushes, count);
        for (int i = 0; i < count; i++) {
                ck_assert_msg(rushes[i].result == CLIENT_RECEIVED, "%s",
                              client_result_name[rushes[i].result]);
                bool yes = !strcmp(message_get(&rushes[i].answer, 39), "00");
                check_answer(&rushes[i].request, &rushes[i].answer, yes ? "00" : refusal);
                book_decision(&rushes[i].request, card, yes ? "00" : refusal);
                approved += yes;
        }
        return approved;
}
